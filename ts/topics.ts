/** Who is subscribed to what. A topic exists as long as somebody is. */
import { describe } from './describe.js';
import { QWormholeError } from './errors/error.js';

/** Long enough for every hierarchy of names, short enough to be stored a million times, bytes of UTF-8. */
const MAX_TOPIC_BYTES = 256;

export class TopicTable<Member> {
  readonly #members = new Map<string, Set<Member>>();
  /** Of those that have any: most have none. */
  readonly #topics = new Map<Member, Set<string>>();
  readonly #maxTopics: number;

  /** @param maxTopics For one member. */
  constructor(maxTopics: number) {
    this.#maxTopics = maxTopics;
  }

  /** @throws QWormholeError `ERR_QW_TOO_MANY_TOPICS` */
  add(topic: string, member: Member): void {
    const topics = this.#topics.get(member);
    if (topics?.has(topic)) return;
    if ((topics?.size ?? 0) >= this.#maxTopics) throw tooManyTopics(this.#maxTopics);
    addTo(this.#topics, member, topic);
    addTo(this.#members, topic, member);
  }

  delete(topic: string, member: Member): void {
    deleteFrom(this.#topics, member, topic);
    deleteFrom(this.#members, topic, member);
  }

  /** Ends all that a member is subscribed to. */
  leave(member: Member): void {
    for (const topic of this.topicsOf(member)) deleteFrom(this.#members, topic, member);
    this.#topics.delete(member);
  }

  count(topic: string): number {
    return this.#members.get(topic)?.size ?? 0;
  }

  /** Those that are subscribed, in the order in which they came. */
  members(topic: string): Iterable<Member> {
    return this.#members.get(topic) ?? [];
  }

  /** What a member is subscribed to, in the order of subscribing. */
  topicsOf(member: Member): Iterable<string> {
    return this.#topics.get(member) ?? [];
  }
}

function addTo<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

function deleteFrom<Key, Value>(sets: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const set = sets.get(key);
  if (set?.delete(value) && set.size === 0) sets.delete(key);
}

/** Throws `ERR_QW_OPTION_INVALID` unless it is a topic. */
export function checkTopic(topic: unknown): asserts topic is string {
  const isTopic = typeof topic === 'string' && topic !== '' && Buffer.byteLength(topic) <= MAX_TOPIC_BYTES;
  if (isTopic) return;
  const message = `A topic is a string of 1 to ${MAX_TOPIC_BYTES} bytes, not ${describe(topic)}`;
  throw new QWormholeError('ERR_QW_OPTION_INVALID', message, { details: { option: 'topic' } });
}

/** One subscription more than `maxTopics`. */
function tooManyTopics(maxTopics: number): QWormholeError {
  const message = `The connection is subscribed to ${maxTopics} topics already`;
  return new QWormholeError('ERR_QW_TOO_MANY_TOPICS', message, { details: { maxTopics } });
}
