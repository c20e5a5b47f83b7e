/** Who is subscribed to what. A topic exists as long as somebody is. */
import { describe } from './describe.js';
import { QWormholeError } from './errors/error.js';

/** Long enough for every hierarchy of names, short enough to be stored a million times, bytes of UTF-8. */
const MAX_TOPIC_BYTES = 256;

export class TopicTable<Member> {
  readonly #members = new Map<string, Set<Member>>();

  add(topic: string, member: Member): void {
    const members = this.#members.get(topic);
    if (members === undefined) this.#members.set(topic, new Set([member]));
    else members.add(member);
  }

  delete(topic: string, member: Member): void {
    const members = this.#members.get(topic);
    if (members?.delete(member) && members.size === 0) this.#members.delete(topic);
  }

  count(topic: string): number {
    return this.#members.get(topic)?.size ?? 0;
  }

  /** Those that are subscribed, in the order in which they came. */
  members(topic: string): Iterable<Member> {
    return this.#members.get(topic) ?? [];
  }
}

/** Throws `ERR_QW_OPTION_INVALID` unless it is a topic. */
export function checkTopic(topic: unknown): asserts topic is string {
  const isTopic = typeof topic === 'string' && topic !== '' && Buffer.byteLength(topic) <= MAX_TOPIC_BYTES;
  if (isTopic) return;
  const message = `A topic is a string of 1 to ${MAX_TOPIC_BYTES} bytes, not ${describe(topic)}`;
  throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'topic' } });
}

/** One subscription more than `maxTopics`. */
export function tooManyTopics(maxTopics: number): QWormholeError {
  const message = `The connection is subscribed to ${maxTopics} topics already`;
  return new QWormholeError('ERR_QW_TOO_MANY_TOPICS', message, { details: { maxTopics } });
}
