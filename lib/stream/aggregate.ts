/** Aggregates as the engine sees them: an accumulator that elements are added to and that can be merged and read. */

/**
 * How an accumulator is made, fed, merged and read. Accumulators are storable values (JSON values, bigint, Uint8Array).
 * `add` and `merge` may change and return their first argument, or return a new value; the caller keeps what is returned.
 */
export type AggregatorSpec = {
  readonly kind: string;
  /** What its accumulators look like, where its kind alone does not say it: another form cannot be merged with. */
  readonly form?: string;
  readonly create: () => unknown;
  readonly add: (accumulator: unknown, value: unknown) => unknown;
  /** undefined: not mergeable, so every element must reach the task that owns its key. */
  readonly merge: ((a: unknown, b: unknown) => unknown) | undefined;
  readonly result: (accumulator: unknown) => unknown;
  /**
   * What an `add` may have put into the accumulator, where that is only a part of it: all that has to be looked at to know that the accumulator can
   * still be kept. undefined: all of it.
   */
  readonly changed?: (accumulator: unknown) => unknown;
  /** True where the result says in which order elements arrived: what was gathered by time cannot be merged into that. */
  readonly ordered?: boolean;
  /** True where `add` ignores the element, as `count()` does: then the element need not be decoded or kept. */
  readonly ignoresValue: boolean;
  /** Of several at once: the specs whose accumulators are in the array that is the accumulator. */
  readonly parts?: readonly AggregatorSpec[];
};
