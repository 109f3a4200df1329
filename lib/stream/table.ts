/** Tables: compacted topics read as the newest value of each key, in versions by time. */

import { authorFunction } from "./author-function.ts";
import { BroadcastNodes, type BroadcastTable } from "./broadcast.ts";
import type { Elements, Named } from "./elements.ts";
import { MillraceError } from "./error.ts";
import { keyBysOf } from "./graph.ts";
import type { Joined, SameKey } from "./joined.ts";
import type { Key } from "./key.ts";
import type { AuthorFunction, KeyByNode, Node, TableJoinNode } from "./node.ts";
import type { Kept } from "./storable.ts";
import { type KafkaRecord, type SourceOptions, toSource } from "./stream.ts";
import type { AnyTopic, Topic } from "./topic.ts";
import type { WindowJoin } from "./window-joined.ts";

/** A topic read as a table of values V by keys K. Made by `table`. */
export interface Table<out V, out K> extends Elements<V, K> {
  readonly kind: "table";
  /** All of the table for every task of another stream, as in `.connect(table(rules).broadcast())`: the newest value of each key, not in versions by time. */
  broadcast(): BroadcastTable<V, K>;
}

/** What a stream can be joined with. */
export interface Joinable extends Elements<unknown, unknown> {
  readonly kind: "keyed-stream" | "table";
}

/** `unknown` where a stream with keys K can be joined with O, else a Mistake. */
export type JoinableWith<K, O> =
  O extends Elements<infer U, infer OK>
    ? SameKey<K, OK> & (O extends { readonly kind: "table" } ? unknown : Kept<U>)
    : never;

/** What follows when a stream of T with keys K is joined with O. */
export type JoinOf<T, O, K> =
  O extends Table<infer V, unknown>
    ? Joined<T, V, K>
    : O extends Elements<infer U, unknown>
      ? WindowJoin<T, U, K>
      : never;

/**
 * Reads a compacted topic as a table: each record is a version of its key's value from its timestamp on, and a null value deletes it. Records without a key
 * are dropped and counted. For `stream.keyBy(…).join(table(customers))`; a table that several streams join may be one value.
 *
 * Throws a MillraceError "definition" for a topic that is not declared as `compacted`.
 */
export function table<V, K extends Key>(
  topic: Topic<never, V, never, K>,
  options?: SourceOptions<NoInfer<V>>,
): Table<Exclude<V, null>, K> {
  return new TableNodes(topic, options) as unknown as Table<Exclude<V, null>, K>;
}

const MAX_PARALLELISM_DEFAULT = 128;

class TableNodes {
  readonly kind = "table";
  readonly #pairs: Node;
  /** What feeds the shuffle that this table shares with a stream, by the stream's keyBy. */
  readonly #keyBys = new Map<KeyByNode | undefined, KeyByNode>();

  constructor(topic: AnyTopic, options: SourceOptions<never> = {}) {
    if (topic?.kind !== "topic") throw new MillraceError("definition", "table() takes a topic, as topic() returns it.");
    if (!topic.compacted)
      throw new MillraceError(
        "definition",
        `table() takes a compacted topic, where null values delete: declare topic "${topic.topicName}" with compacted: true.`,
      );
    const timestampOf = options.timestampOf as AuthorFunction | undefined;
    const source = toSource(topic, "records", {
      ...options,
      timestampOf:
        timestampOf &&
        ((record: KafkaRecord<unknown, unknown>) =>
          record.value === null ? record.timestampMs : timestampOf(record.value)),
    });
    this.#pairs = {
      kind: "map",
      input: source,
      name: undefined,
      fn: (record: KafkaRecord<unknown, unknown>) => [record.key, record.value],
    };
  }

  broadcast(): BroadcastNodes {
    return new BroadcastNodes(this.#pairs, "table");
  }

  /** The table's side of a shuffle: as the keyBys of `left` say it must be. */
  static sideOf(table: TableNodes, left: Node): KeyByNode {
    const like = left.kind === "keyBy" ? left : keyBysOf(left)[0];
    let keyBy = table.#keyBys.get(like);
    if (keyBy === undefined) {
      keyBy = {
        kind: "keyBy",
        input: table.#pairs,
        name: undefined,
        fn: ([key]: readonly [unknown, unknown]) => key,
        sends: "by-key",
        parallelism: undefined,
        maxParallelism: like?.maxParallelism ?? MAX_PARALLELISM_DEFAULT,
        function: undefined,
      };
      table.#keyBys.set(like, keyBy);
    }
    return keyBy;
  }

  static isTable(value: unknown): value is TableNodes {
    return typeof value === "object" && value !== null && #pairs in value;
  }
}

/** A stream–table join; `then` makes the stream that follows. */
export function tableJoinOf(
  mode: TableJoinNode["mode"],
  left: Node,
  right: unknown,
  then: (node: Node) => unknown,
): unknown {
  if (!TableNodes.isTable(right))
    throw new MillraceError(
      "definition",
      `${mode === "left" ? "leftJoin" : "join"}() takes a table, as table() returns it.`,
    );
  const inputs = [left, TableNodes.sideOf(right, left)] as const;
  return {
    map: (fn: AuthorFunction, options?: Named) =>
      then({ kind: "tableJoin", inputs, mode, name: options?.name, fn: authorFunction(fn, "map") }),
  };
}
