/** What all joins of two keyed streams have in common: pairs, what a function of a pair is given, and topics for late elements. */

import type { Ctx } from "./ctx.ts";
import type { Named } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { KeyedStream } from "./keyed-stream.ts";
import type { Mistake, NotAsync } from "./storable.ts";
import type { AnyTopic, Topic } from "./topic.ts";

/** What a function of a pair may ask for beside left and right. */
export interface JoinCtx<out K> extends Ctx {
  readonly key: K;
  /** The timestamp of the result. */
  readonly timestampMs: number;
}

/** Pairs of a left and a right element. */
export interface Joined<out L, out R, out K> {
  /** Makes one element of each pair; it has the pair's key. */
  map<O>(fn: (left: L, right: R, ctx: JoinCtx<K>) => O & NotAsync<O>, options?: Named): KeyedStream<O, K>;
}

/** Topics for late elements, by side. */
export interface LateTopics<in L, in R, in K> {
  readonly left?: Topic<L, unknown, K, unknown>;
  readonly right?: Topic<R, unknown, K, unknown>;
}

/** `unknown` where the keys of two streams can be equal, else a Mistake. */
export type SameKey<K, OtherK> = [OtherK] extends [K]
  ? unknown
  : [K] extends [OtherK]
    ? unknown
    : Mistake<"the two streams have keys of different types, so none of them could be equal">;

/** Late topics as nodes have them. Throws a MillraceError "definition" for what is no topic. */
export function toLateTopics(topics: {
  readonly left?: AnyTopic;
  readonly right?: AnyTopic;
}): readonly [AnyTopic | undefined, AnyTopic | undefined] {
  const { left, right } = topics ?? {};
  if ([left, right].every((topic) => topic === undefined || topic.kind === "topic") && (left ?? right) !== undefined)
    return [left, right];
  throw new MillraceError("definition", "lateTo() takes topics: { left, right }, or one of them.");
}
