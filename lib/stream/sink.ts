/** Sinks beside topics and tables: whatever takes elements in batches, as authors declare it. Nothing is called here. */

import type { Duration } from "./duration.ts";
import type { Writer } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { AuthorFunction } from "./node.ts";
import { quote } from "./sentence.ts";
import { type ClientSpec, toClientSpec, type Uses, type ValuesOf } from "./settings.ts";

/** An element that a sink is given. */
export interface SinkElement<out T, out K = unknown> {
  /** The same whenever the element is given again: `application/function/topic-partition/generation:commit:index`. */
  readonly id: string;
  readonly value: T;
  /** The current key; null where there is none. */
  readonly key: K;
  readonly timestampMs: number;
}

/** What a write is given beside the batch. */
export interface SinkCall<out C> {
  /** What `open` gave. */
  readonly client: C;
  /** Aborts when the time is over. Hand it to what is called: a write that ignores it goes on for nobody, beside the next attempt. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt at this batch that this execution environment makes. */
  readonly attempt: number;
}

/** Elements of a batch that were not taken and never will be: each becomes a dead letter. All others were taken. */
export interface SinkRefusals {
  readonly refused: readonly { readonly id: string; readonly reason: string }[];
}

/** How elements are written. `uses` and `open` stand before `write`, or their types cannot be inferred. */
export interface SinkOptions<T, K, U extends Uses, C> {
  /** Settings and secrets, given to `open`. A missing one is an error before anything is processed. */
  readonly uses?: U;
  /** Makes what writes use: once in each execution environment, before the first write. */
  readonly open?: (values: ValuesOf<NoInfer<U>>) => C | PromiseLike<C>;
  /** Writes elements, in their order. When its promise is fulfilled they are durable; where it rejects, the same elements come again. */
  readonly write: (
    batch: readonly SinkElement<T, K>[],
    call: SinkCall<NoInfer<C>>,
    // biome-ignore lint/suspicious/noConfusingVoidType: what a function without a return gives.
  ) => PromiseLike<SinkRefusals | void>;
  /** For one write. Default 10 s. */
  readonly timeout?: Duration;
  /** The most elements of a batch. Default 100. */
  readonly batchSize?: number;
}

/** A sink that takes elements of T under a key of K. */
export interface OutsideSink<in T, in K = unknown> extends Writer<T, K> {
  readonly kind: "outside-sink";
  readonly sinkName: string;
}

/** What the engine knows of a sink. */
export type OutsideSpec = {
  readonly kind: "outside-sink";
  readonly sinkName: string;
  readonly client: ClientSpec;
  readonly write: AuthorFunction;
  readonly timeoutMs: number;
  readonly batchMax: number;
};

const TIMEOUT_MS_DEFAULT = 10_000;
const BATCH_DEFAULT = 100;
const NAME_CHARACTERS_MAX = 100;

/**
 * Declares a sink for what is neither a topic nor a table: a webhook, a search index, a bucket. `.to(sink("alerts", { write: async (batch, { signal }) => … }))`.
 *
 * Elements are committed, then written: at least once, each task's in order, one write after the other, each element with an id that stays the same. A write that rejects, or takes
 * longer than its `timeout`, fails the invocation; it is delivered again, and what was not taken is written again before anything else. A new environment gives the elements of
 * its task's last commit again, as it cannot know that they were taken. So who must not count twice remembers ids. A repeat may also come late, after newer elements, from an
 * environment that was given up. `write` may return `{ refused: [{ id, reason }] }` for elements that will never be taken.
 *
 * Throws a MillraceError "definition" for a name that is not 1 to 100 letters, digits, `_` and `-`, and for what does not fit together.
 */
export function sink<T, K = unknown, U extends Uses = Record<never, never>, C = undefined>(
  name: string,
  options: SinkOptions<T, K, U, C>,
): OutsideSink<T, K> {
  const wrong = (sentence: string) => new MillraceError("definition", `Sink ${quote(name)}: ${sentence}`);
  if (typeof name !== "string" || !/^[A-Za-z0-9_-]+$/.test(name) || name.length > NAME_CHARACTERS_MAX)
    throw wrong(`a name is made of 1 to ${NAME_CHARACTERS_MAX} letters, digits, '_' and '-'.`);
  if (typeof options?.write !== "function")
    throw wrong("it needs a function that writes: { write: async (batch, { signal }) => … }.");
  const { write, timeout = TIMEOUT_MS_DEFAULT, batchSize = BATCH_DEFAULT } = options;
  if (!(timeout > 0)) throw wrong(`timeout must be above zero, not ${timeout} ms.`);
  if (!Number.isSafeInteger(batchSize) || batchSize < 1)
    throw wrong(`batchSize is a whole number from 1, not ${batchSize}.`);
  const spec: OutsideSpec = {
    kind: "outside-sink",
    sinkName: name,
    client: toClientSpec(`Sink ${quote(name)}`, options),
    write,
    timeoutMs: timeout,
    batchMax: batchSize,
  };
  return spec as unknown as OutsideSink<T, K>;
}
