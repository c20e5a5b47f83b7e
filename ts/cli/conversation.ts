/**
 * The work of `qwormhole connect`: input goes out as fast as the connection takes it, messages are shown as
 * fast as the output takes them, and the end of input ends the conversation once the peer has answered.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { QWormholeClient } from '../client.js';
import { CloseCode, isRetriableClose } from '../close-codes.js';
import type { Context } from './context.js';
import { jsonLine, type Dialect } from './dialect.js';
import { describeError, EXIT_FAILED } from './failure.js';
import { handshakeFields, handshakeLines } from './handshake-lines.js';
import type { Input } from './lines.js';
import type { View } from './view.js';

/** How soon a message is offered again that found no room, ms. */
const OFFER_AGAIN_MS = 50;

/** The longest sleep while waiting for silence, ms: the end of it may move, also to where nobody knows. */
const NAP_MS = 100;

/** WebSocket's own number for a server that leaves, or a page. */
const GOING_AWAY = 1001;

/** What a conversation needs. */
export interface ConversationParts {
  readonly client: QWormholeClient;
  readonly dialect: Dialect;
  readonly view: View;
  readonly context: Context;
  /** Makes the input; called when there is a connection. */
  readonly openInput: () => Input;
  /** After the end of input: how long the peer must have said nothing, ms. */
  readonly waitMs: number;
  /** Events go to the output as JSON, not beside it as notes. */
  readonly asJson: boolean;
  /** The peer's handshake is told of. */
  readonly isVerbose: boolean;
  /** Somebody types. */
  readonly isInteractive: boolean;
}

export class Conversation {
  readonly #parts: ConversationParts;
  /** Aborted when there is nothing left to wait for. */
  readonly #over = new AbortController();
  #hasInput = true;
  #isEnding = false;
  #hasFailed = false;
  #lastHeard = 0;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  /** Connects, talks and ends; resolves with the exit code, rejects when there is no connection to begin with. */
  async run(): Promise<number> {
    const { client, context, openInput, view } = this.#parts;
    const stop = context.stopOnSignals();
    stop.addEventListener('abort', () => this.#over.abort(), { once: true });
    this.#listenToClient();
    try {
      await client.connect({ signal: stop });
      const input = openInput();
      this.#over.signal.addEventListener('abort', () => input.close(), { once: true });
      if (this.#over.signal.aborted) input.close();
      await this.#sendAll(input);
      this.#hasInput = false;
      input.close();
      await this.#hearOut();
    } finally {
      this.#isEnding = true;
      await client.close();
    }
    view.end();
    return this.#exitCode();
  }

  // --- Input ---

  async #sendAll(input: Input): Promise<void> {
    let number = 0;
    for await (const line of input) {
      number += 1;
      try {
        const message = this.#parts.dialect.parse(line);
        if (message !== undefined) await this.#send(message);
      } catch (error) {
        if (this.#over.signal.aborted) break;
        this.#fail(`line ${number} was not sent: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  /** Sends one message and waits until there is room for the next. */
  async #send(message: unknown): Promise<void> {
    const { client } = this.#parts;
    const { signal } = this.#over;
    for (;;) {
      const result = client.send(message);
      if (result === 'sent') return;
      if (result === 'backpressure') return client.drained({ signal });
      signal.throwIfAborted();
      await sleep(OFFER_AGAIN_MS, undefined, { signal });
    }
  }

  /** After the last line: until all is written and the peer has been quiet for a while, or is gone. */
  async #hearOut(): Promise<void> {
    const { client, waitMs } = this.#parts;
    const { signal } = this.#over;
    // Rejected: the connection has ended, or is to end.
    await client.flushed({ signal }).catch(() => {});
    this.#lastHeard = Math.max(this.#lastHeard, performance.now());
    while (!signal.aborted && client.state === 'open') {
      const left = this.#lastHeard + waitMs - performance.now();
      if (left <= 0) return;
      await sleep(Math.min(left, NAP_MS), undefined, { signal }).catch(() => {});
    }
  }

  // --- Output ---

  #listenToClient(): void {
    const { client, context, isInteractive, isVerbose, asJson } = this.#parts;
    client.on('message', (message) => this.#show(message));
    client.on('error', (error) => {
      // All is written, and the peer merely keeps its side open.
      if (error.code === 'ERR_QW_CLOSE_TIMEOUT') context.note(describeError(error));
      else this.#fail(describeError(error));
    });
    client.on('handlerError', (error) => this.#fail(describeError(error)));
    client.on('connect', () => {
      const { remoteAddress, remotePort, mode, backend, handshake } = client;
      const isFirst = client.stats().connects === 1;
      const text = `Connected to ${remoteAddress} port ${remotePort}${isFirst ? '; Ctrl-D ends' : ''}`;
      const note = isInteractive || !isFirst ? text : undefined;
      const said = isVerbose && handshake !== undefined && { handshake: handshakeFields(handshake) };
      this.#tell('connect', { remoteAddress, remotePort, mode, backend, ...said }, note);
      if (isVerbose && !asJson) for (const line of handshakeLines(handshake)) context.note(line);
    });
    client.on('disconnect', (code, reason, clean) => {
      // That the peer ends after the last line is nothing to talk about, unless it says that something is wrong.
      const isExpected = clean && code === CloseCode.ok && !this.#hasInput && !isInteractive;
      const note = clean ? farewellOf(code, reason) : 'The connection is lost';
      if (clean && !isForgivable(code)) this.#hasFailed = true;
      this.#tell('disconnect', { code, reason, clean }, isExpected ? undefined : note);
      // There is nothing to come back for.
      if (!this.#hasInput && client.bufferedAmount === 0) this.#over.abort();
    });
    client.on('reconnecting', (attempt, delayMs) => {
      if (this.#over.signal.aborted) return;
      const ms = Math.round(delayMs);
      this.#tell('reconnecting', { attempt, delayMs: ms }, `Attempt ${attempt} to connect again in ${ms} ms`);
    });
    client.on('close', (code, reason, clean) => {
      if (!clean && !this.#isEnding && !context.stop.aborted) this.#hasFailed = true;
      // What never began has no end either: the error says it.
      if (client.stats().connects > 0) this.#tell('close', { code, reason, clean });
      this.#over.abort();
    });
  }

  #show(message: unknown): void {
    const { context, view } = this.#parts;
    let hasRoom = true;
    context.aside(() => (hasRoom = view.show(message)));
    this.#lastHeard = performance.now();
    if (!hasRoom) void this.#pauseForOutput();
  }

  async #pauseForOutput(): Promise<void> {
    const { client, context } = this.#parts;
    client.pause();
    // While we do not read, the peer's silence means nothing.
    this.#lastHeard = Infinity;
    await context.out.drained();
    this.#lastHeard = performance.now();
    client.resume();
  }

  #tell(event: string, fields: Readonly<Record<string, unknown>>, note?: string): void {
    const { asJson, context } = this.#parts;
    if (asJson) context.out.line(jsonLine({ event, ...fields }));
    else if (note !== undefined) context.note(`${note}.`);
  }

  #fail(text: string): void {
    this.#hasFailed = true;
    this.#parts.context.note(text);
  }

  /** 0 when every line went out, every message was shown, and the peer did not close for a fault. */
  #exitCode(): number {
    const { bytesDiscarded } = this.#parts.client.stats();
    if (bytesDiscarded > 0) this.#fail(`${bytesDiscarded} bytes were not delivered`);
    return this.#hasFailed ? EXIT_FAILED : 0;
  }
}

/** The peer ended, and nothing of ours was wrong: it had enough, or has no room at the moment. */
function isForgivable(code: number): boolean {
  return code === CloseCode.ok || code === GOING_AWAY || isRetriableClose(code);
}

/** How the peer has closed, as far as it said. */
function farewellOf(code: number, reason: string): string {
  const numbered = code === CloseCode.ok ? '' : ` with code ${code}`;
  const why = reason === '' ? '' : `: ${reason}`;
  return `The peer has closed${numbered}${why}`;
}
