/**
 * Aggregation before a shuffle: a batch's elements become one partial result per window and key, where the aggregate can be merged.
 * The windows of a partial are open as far as the sender knows; whether they are late is for the receiver to say, for all of a partial at once.
 */

import type { Push } from "./step.ts";

/** What a batch gathered: pushed into, then taken. */
export type PreAggregate = {
  readonly push: Push;
  /** What the results are of. */
  readonly shape: string;
  /** Set: every element becomes a partial result of its own, which `check` may refuse. For batches whose partial results are too large to be sent. */
  check: ((key: string, accumulator: unknown) => void) | undefined;
  /** The partial results since the last call, split by what `partitionOf` says of their keys. */
  take(partitions: number, partitionOf: (key: string) => number): readonly PartialWindow[][];
};

/** Partial results of one window; `elements` counts what each stands for: the very array of accumulators, where these are counts. */
export type PartialWindow = {
  readonly namespace: number;
  readonly keys: string[];
  readonly accumulators: unknown[];
  readonly elements: number[];
  /** Set: the partial results are of sessions, each of its own time, and a key may have several. */
  readonly spans?: Spans;
};

/** When sessions are: milliseconds from the namespace of all to the begin of each, and from there to its end. */
export type Spans = { readonly begins: number[]; readonly lengths: number[] };

/** Partial results without any as yet. */
export function newPart(namespace: number, isCount: boolean, spans?: Spans): PartialWindow {
  const accumulators: unknown[] = [];
  const elements = isCount ? (accumulators as number[]) : [];
  return { namespace, keys: [], accumulators, elements, ...(spans !== undefined && { spans }) };
}

/** Whether the accumulators are counts of elements themselves. */
export function isCount(window: PartialWindow): boolean {
  return window.elements === window.accumulators;
}

/** Some of the partial results, from number `from` to before `to`. */
export function sliceOf(window: PartialWindow, from: number, to?: number): PartialWindow {
  const { namespace, keys, spans } = window;
  const accumulators = window.accumulators.slice(from, to);
  return {
    namespace,
    keys: keys.slice(from, to),
    accumulators,
    elements: isCount(window) ? (accumulators as number[]) : window.elements.slice(from, to),
    ...(spans !== undefined && {
      spans: { begins: spans.begins.slice(from, to), lengths: spans.lengths.slice(from, to) },
    }),
  };
}

/** When the window of a partial result begins, and, if it is a session, ends. */
export function spanOf({ namespace, spans }: PartialWindow, i: number): { startMs: number; endMs?: number } {
  if (spans === undefined) return { startMs: namespace };
  const startMs = namespace + (spans.begins[i] as number);
  return { startMs, endMs: startMs + (spans.lengths[i] as number) };
}
