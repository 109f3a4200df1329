/** Elements with their places, for tests: a timestamp, and what else a record may have. */

const placed = Symbol("placed");

/** A value with a timestamp, and what else a record may have; made by `at`. */
export interface Placed<out V> {
  readonly [placed]: true;
  readonly value: V;
  readonly timestampMs: number;
  readonly key?: unknown;
  readonly partition?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An element with the timestamp of its record; a key, a partition and headers if they matter. */
export function at<const V>(
  timestampMs: number,
  value: V,
  options: {
    readonly key?: unknown;
    readonly partition?: number;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Placed<V> {
  return { [placed]: true, value, timestampMs, ...options };
}

/** Whether `at` made it. */
export function isPlaced<V>(element: V | Placed<V>): element is Placed<V> {
  return typeof element === "object" && element !== null && placed in element;
}
