/**
 * Aggregation before a shuffle: a batch's elements become one partial result per window and key, where the aggregate can be merged.
 * The windows of a partial are open as far as the sender knows; whether they are late is for the receiver to say, for all of a partial at once.
 */

/** Partial results of one window; `elements` counts what each stands for: the very array of accumulators, where these are counts. */
export type PartialWindow = {
  readonly namespace: number;
  readonly keys: string[];
  readonly accumulators: unknown[];
  readonly elements: number[];
};
