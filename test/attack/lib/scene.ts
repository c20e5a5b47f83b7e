/** One row under attack: our end at the target, a witness beside it, and the oracle that judges both. */
import { until } from '../../support/wait.js';
import { Ambush, Attacker } from './attacker.js';
import { DIALECTS, type Dialect } from './dialects.js';
import { Oracle } from './oracle.js';
import { Random } from './random.js';
import { CANARY } from './canary.js';
import { on, type Entry, type Expectation, type Family, type Role, type Stage, type Wire } from './rows.js';
import type { Line } from './run.js';
import type { Account, Report, Target } from './target.js';
import { Witness } from './witness.js';

/** A fault is noticed within this, unless the entry says otherwise, ms. */
const PATIENCE_MS = 10_000;

const encoders: Readonly<Record<string, (text: string) => string | Buffer>> = {
  json: (text) => JSON.stringify(text),
  // Short texts: one byte of type and length in front.
  cbor: (text) => Buffer.from([0x60 + text.length, ...Buffer.from(text)]),
  msgpack: (text) => Buffer.from([0xa0 + text.length, ...Buffer.from(text)]),
};
const plain = (text: string): string => text;

/** The word that an attacked connection echoes if it lives. */
const SIGN = 'witness: lives';

export class Scene {
  readonly #target: Target;
  readonly #family: Family;
  readonly #role: Role;
  readonly #line: Line;
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #dialect: Dialect;
  readonly #encode: (text: string) => string | Buffer;
  readonly #cleanups: (() => unknown)[] = [];
  readonly #oracle: Oracle;
  #witness!: Witness;
  /** Of a server: its number, and the port to be attacked. */
  #server = { subject: -1, port: 0 };

  private constructor(target: Target, family: Family, [first]: readonly Entry[], role: Role, line: Line) {
    this.#target = target;
    this.#family = family;
    this.#role = role;
    this.#line = line;
    this.#dialect = DIALECTS[family.dialect];
    this.#options = { protocol: this.#dialect.protocol, ...family.options, ...first.options };
    this.#encode = encoders[String(this.#options.codec)] ?? plain;
    this.#oracle = new Oracle(target);
  }

  static async set(
    target: Target,
    family: Family,
    entries: readonly Entry[],
    role: Role,
    line: Line,
  ): Promise<Scene> {
    const scene = new Scene(target, family, entries, role, line);
    try {
      if (role === 'server') await scene.#serve();
      else await scene.#listenForWitness();
      await scene.#witness.begin();
      await scene.#oracle.calm(await scene.#report());
      scene.#witness.attacked();
    } catch (error) {
      await scene.clear();
      throw error;
    }
    return scene;
  }

  /** One entry, and what it alone must bring about. */
  async play(entry: Entry): Promise<void> {
    const stage = await this.#stage(entry);
    const { attacker } = stage;
    try {
      for (const step of entry.steps) await step(stage);
      await this.#settle(entry, stage);
      await entry.check?.(stage);
    } catch (error) {
      const { what } = entry;
      throw new Error(`${what}: ${(error as Error).message}\n${attacker.timeline}`, { cause: error });
    } finally {
      attacker.destroy();
      if (this.#role === 'client' && entry.isBare !== true) await this.#target.close(stage.subject);
    }
  }

  /** What all of it must not have brought about. */
  async judge(entries: readonly Entry[]): Promise<void> {
    if (!entries.some(({ isBlocking }) => isBlocking)) this.#witness.wasHeard();
    await this.#witness.progress();
    this.#line.witness = spread(this.#witness.latencies);
    if (this.#role === 'server') {
      const rises = entries.flatMap((entry) => this.#counterOf(entry) ?? []);
      await this.#oracle.counted(() => this.#report(), rises);
    }
    await this.#oracle.judge({ isCrowd: entries.some((entry) => entry.isCrowd) });
  }

  async clear(): Promise<void> {
    this.#witness?.end();
    for (const cleanup of this.#cleanups.splice(0).toReversed()) await cleanup();
  }

  get #isSecure(): boolean {
    return this.#family.carrier === 'tls';
  }

  get #witnessDialect(): Dialect {
    const { witness, dialect } = this.#family;
    return DIALECTS[witness ?? dialect];
  }

  async #serve(): Promise<void> {
    const { carrier, witness } = this.#family;
    const endpoint = `${carrier}://127.0.0.1:0${carrier === 'ws' ? '/' : ''}`;
    const besides =
      witness === undefined ? [] : [{ scheme: 'tcp', port: 0, protocol: DIALECTS[witness].protocol }];
    const { subject, addresses } = await this.#target.serve([endpoint, ...besides], this.#options);
    const [port, witnessPort = port] = addresses.map((address) => Number(new URL(address).port));
    this.#server = { subject, port };
    this.#cleanups.push(() => this.#target.isAlive && this.#target.close(subject));
    const isSecure = this.#isSecure && witness === undefined;
    const peer = await Attacker.call(witnessPort, { isSecure });
    this.#witness = new Witness(peer, this.#witnessDialect, this.#encode);
  }

  /** The witness of a client is another client of the same process, which has called somebody friendly. */
  async #listenForWitness(): Promise<void> {
    const { attacker, subject, ambush } = await this.#beCalled(this.#options);
    this.#cleanups.push(
      () => ambush.close(),
      () => this.#target.isAlive && this.#target.close(subject),
    );
    this.#witness = new Witness(attacker, this.#witnessDialect, this.#encode);
  }

  async #call(from?: string, isSecure = this.#isSecure): Promise<Attacker> {
    const attacker = await Attacker.call(this.#server.port, { isSecure, from });
    this.#cleanups.push(() => attacker.destroy());
    return attacker;
  }

  async #beCalled(
    options: object,
    isSecure = this.#isSecure,
  ): Promise<{ attacker: Attacker; subject: number; ambush: Ambush }> {
    const { carrier } = this.#family;
    const ambush = await Ambush.lay({ isSecure });
    const path = carrier === 'ws' ? '/' : '';
    const { subject } = await this.#target.dial(`${carrier}://127.0.0.1:${ambush.port}${path}`, options);
    return { attacker: await ambush.caller(), subject, ambush };
  }

  async #stage(entry: Entry): Promise<Stage> {
    const { backend } = this.#target;
    const name = `${entry.id} ${entry.what} ${backend} ${this.#role}`;
    const common = {
      target: this.#target,
      backend,
      role: this.#role,
      dialect: this.#dialect,
      random: new Random(name),
      canary: CANARY,
      call: (from?: string) => this.#call(from),
      note: (text: string) => void this.#line.notes.push(text),
    };
    if (this.#role === 'server') {
      const attacker = await this.#call(undefined, this.#isSecure && !entry.isPlain);
      if (entry.isBare) attacker.destroy();
      const { subject } = this.#server;
      return { ...common, attacker, subject, report: () => this.#target.report(subject) };
    }
    const { attacker, subject, ambush } = await this.#beCalled(
      this.#options,
      this.#isSecure && !entry.isPlain,
    );
    this.#cleanups.push(() => ambush.close());
    return { ...common, attacker, subject, report: () => this.#target.report(subject) };
  }

  #report(): Promise<Report> {
    return this.#role === 'server' ? this.#target.report(this.#server.subject) : Promise.resolve(NOTHING);
  }

  /** Waits until our end has come to its verdict, and compares. */
  async #settle(entry: Entry, stage: Stage): Promise<void> {
    if (entry.isBare) return;
    const expected = this.#expectationOf(entry);
    const report = expected.lives
      ? await this.#lives(expected, stage)
      : await this.#ends(entry, expected, stage);
    if (this.#role === 'client') await this.#oracle.countedFresh(report, this.#counterOf(entry));
  }

  /** The report when it is over. */
  async #ends(entry: Entry, expected: Expectation, stage: Stage): Promise<Report> {
    const { attacker, backend } = stage;
    await attacker.closed(entry.withinMs ?? PATIENCE_MS);
    this.#sameWire(expected, attacker);
    const code = expected.code === undefined ? undefined : on(backend, expected.code);
    const error = expected.error === undefined ? undefined : on(backend, expected.error);
    const report = await this.#ended(stage, code, error);
    const account = accountOf(report, attacker, this.#role);
    if (code !== undefined)
      same(
        'closes',
        (account?.closes ?? []).map((close) => close.code),
        [code],
      );
    else if (this.#role === 'server') same('connections', account, undefined);
    if (error !== undefined) this.#sameError(report, account, error, code !== undefined);
    if (expected.messages) same('messages', account?.messages ?? [], expected.messages);
    return report;
  }

  /** The report once it has echoed. */
  async #lives(expected: Expectation, stage: Stage): Promise<Report> {
    const { attacker, dialect } = stage;
    const sign = this.#encode(SIGN);
    await attacker.write(dialect.pack(attacker, sign));
    const came = (): boolean =>
      dialect.payloads(attacker).some((payload) => payload.equals(Buffer.from(sign)));
    await until(() => came() || attacker.isClosed, 'the echo', PATIENCE_MS);
    same('lives', came(), true);
    const report = await stage.report();
    const account = accountOf(report, attacker, this.#role);
    if (expected.messages) same('messages', account?.messages, expected.messages);
    same('errors', account?.errors, expected.error === undefined ? [] : [on(stage.backend, expected.error)]);
    return report;
  }

  /** The report in which it is over: the attacker may know before the process has told it. */
  async #ended(stage: Stage, code: number | undefined, error: string | undefined): Promise<Report> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const report = await stage.report();
      if (this.#isOver(report, stage, code, error) || performance.now() > giveUpAt) return report;
    }
  }

  #isOver(report: Report, { attacker }: Stage, code: number | undefined, error: string | undefined): boolean {
    if (code !== undefined) return (accountOf(report, attacker, this.#role)?.closes.length ?? 0) > 0;
    if (this.#role === 'server') return error === undefined || report.refusals.includes(error);
    return report.outcome !== 'under way';
  }

  /** One of those that may be. */
  #sameWire({ wire }: Expectation, attacker: Attacker): void {
    if (wire === undefined) return;
    const told = this.#told(attacker);
    const expected = Array.isArray(wire) ? wire : [on(this.#target.backend, wire as Wire)];
    if (!expected.includes(told)) same('the attacker was told', told, expected.join(' or '));
  }

  #told(attacker: Attacker): Wire {
    return this.#dialect.farewell(attacker) ?? (attacker.isReset ? 'reset' : 'end');
  }

  #sameError(report: Report, account: Account | undefined, error: string, hasConnection: boolean): void {
    if (hasConnection) same('errors', account?.errors, [error]);
    else if (this.#role === 'client') same('outcome', report.outcome, error);
    else if (!report.refusals.includes(error)) same('refusals', report.refusals, [error]);
  }

  #expectationOf({ expect }: Entry): Expectation {
    return typeof expect === 'function' ? expect(this.#role, this.#target.backend) : expect;
  }

  #counterOf(entry: Entry): string | undefined {
    const { counter } = entry;
    if (counter !== undefined) return typeof counter === 'function' ? counter(this.#role) : counter;
    const { code, error } = this.#expectationOf(entry);
    if (error === undefined) return undefined;
    const name = on(this.#target.backend, error);
    if (code !== undefined) return `faults.${name}`;
    if (this.#role === 'client') return `attempts.failed.${name}`;
    if (this.#family.carrier === 'tls') return `tls.failures.${name}`;
    return this.#family.dialect === 'ws' ? 'handshakes.failed' : 'qwhHandshakes.failed';
  }
}

/** Of clients each has its own. */
const NOTHING = {
  accounts: [],
  refusals: [],
  errors: [],
  handlerErrors: [],
  outcome: '',
  acts: {},
  stats: {},
};

/** A client is one connection; of a server's that which has the attacker's port. */
function accountOf({ accounts }: Report, attacker: Attacker, role: Role): Account | undefined {
  return role === 'client' ? accounts[0] : accounts.find(({ port }) => port === attacker.port);
}

export function same(what: string, actual: unknown, expected: unknown): void {
  const [is, wanted] = [actual, expected].map((value) => JSON.stringify(value));
  if (is !== wanted) throw new Error(`${what}: ${is}, not ${wanted}`);
}

function spread(latencies: readonly number[]): [number, number] {
  const sorted = latencies.toSorted((a, b) => a - b);
  return [sorted[sorted.length >> 1], sorted.at(-1)!];
}
