/** The `on` builder: what an author can ask of many elements, as specs that the engine feeds. */

import type { AggregatorSpec } from "./aggregate.ts";
import { collectAll, composeSpecs, customSpec, firstOf, lastOf, topOf } from "./aggregators-collecting.ts";
import { averageOf, bestOf, countAll, countWhere, extremeOf, sumOf } from "./aggregators-numeric.ts";
import { distinctBy, type QuantileOptions, quantileOf } from "./aggregators-sketching.ts";
import { MillraceError } from "./error.ts";
import type { Key } from "./key.ts";
import type { AuthorFunction } from "./node.ts";
import type { Kept } from "./storable.ts";

declare const aggregates: unique symbol;

/** Something asked of elements of T, answered with R. Made by `on`. */
export interface Aggregator<in T, out R> {
  readonly [aggregates]: (element: T) => R;
}

/** One aggregator, or an object of them: of whatever the `on` that made them is for. */
export type Aggregates = Aggregator<never, unknown> | { readonly [name: string]: Aggregator<never, unknown> };

/** What one aggregator, or an object of them, results in. */
export type ResultOf<A> =
  A extends Aggregator<never, infer R>
    ? R
    : { readonly [N in keyof A]: A[N] extends Aggregator<never, infer R> ? R : never };

/** A number for a number, as many for several. */
export type QuantilesOf<Q> = Q extends readonly unknown[] ? { readonly [I in keyof Q]: number } : number;

/** An aggregate of the author's own. Accumulators are kept in state: JSON values, bigint, Uint8Array. */
export interface CustomAggregate<T, A, R> {
  /** The accumulator of no elements; called again for every key and window. */
  readonly create: () => A & Kept<A>;
  /** Adds an element; may change and return the accumulator. */
  readonly add: (accumulator: NoInfer<A>, value: T) => NoInfer<A>;
  /** Adds what `b` holds to `a`, in that order. Without it elements cannot be aggregated before they cross the shuffle, and cost more. */
  readonly merge?: (a: NoInfer<A>, b: NoInfer<A>) => NoInfer<A>;
  readonly result: (accumulator: NoInfer<A>) => R;
}

/**
 * What can be asked of elements of T. Functions that choose a number must return one: anything else (NaN too) throws, which makes the
 * element a dead letter.
 */
export interface On<T> {
  /** How many; with `where`: how many of those. */
  count(where?: (value: T) => boolean): Aggregator<T, number>;
  /** The sum of a number of each element, in floating point. */
  sum(by: (value: T) => number): Aggregator<T, number>;
  /** The least number. */
  min(by: (value: T) => number): Aggregator<T, number>;
  /** The greatest number. */
  max(by: (value: T) => number): Aggregator<T, number>;
  /** The mean of a number of each element. */
  average(by: (value: T) => number): Aggregator<T, number>;
  /** The element with the least; the first on a tie. */
  minBy(this: Kept<T>, by: (value: T) => number | string): Aggregator<T, T>;
  /** The element with the most; the first on a tie. */
  maxBy(this: Kept<T>, by: (value: T) => number | string): Aggregator<T, T>;
  /** The element that arrived first. */
  first(this: Kept<T>): Aggregator<T, T>;
  /** The element that arrived last. */
  last(this: Kept<T>): Aggregator<T, T>;
  /** The `n` elements with the most, the most first; on a tie the earlier. `n` is 1 to 10,000. */
  topN(this: Kept<T>, n: number, by: (value: T) => number): Aggregator<T, readonly T[]>;
  /** All elements, in the order of their arrival; with `fn`: what it makes of each. Kept in state: mind how many there can be. */
  collect<R = T>(fn?: (value: T) => R & Kept<R>): Aggregator<T, readonly R[]>;
  /**
   * A quantile of a number of each element, or several at once: `on.quantile(0.95, …)`, `on.quantile([0.5, 0.99], …)`. It is the least of the numbers that at least
   * this part of them does not exceed (`percentile_disc` in SQL): exact for up to 32 numbers and for the least and the greatest, else within 1 % of the number, or
   * within `error`. Kept in a few hundred bytes, at most 33 kB and seldom near. The function returns a finite number.
   */
  quantile<const Q extends number | readonly number[]>(
    parts: Q,
    by: (value: T) => number,
    options?: QuantileOptions,
  ): Aggregator<T, QuantilesOf<Q>>;
  /**
   * How many different ones there are of what the function returns, which is a key, or null for what is not counted. Exact up to 512, then with a standard error
   * of 1.6 % (HyperLogLog). Kept in at most 3 kB.
   */
  distinct(by: (value: T) => Key | null): Aggregator<T, number>;
  /** The author's own: see CustomAggregate. */
  custom<A, R>(spec: CustomAggregate<T, A, R>): Aggregator<T, R>;
}

const ON = {
  count: (where?: AuthorFunction) => (where === undefined ? countAll() : countWhere(where)),
  sum: sumOf,
  min: (by: AuthorFunction) => extremeOf("min", by),
  max: (by: AuthorFunction) => extremeOf("max", by),
  average: averageOf,
  minBy: (by: AuthorFunction) => bestOf("minBy", by),
  maxBy: (by: AuthorFunction) => bestOf("maxBy", by),
  first: firstOf,
  last: lastOf,
  topN: topOf,
  collect: collectAll,
  quantile: quantileOf,
  distinct: distinctBy,
  custom: customSpec,
};

/**
 * The spec of what an author built: one aggregator, or an object of them, whose accumulator is an array. Throws a MillraceError
 * "definition" where the author returned something else.
 */
export function toAggregatorSpec(build: AuthorFunction): AggregatorSpec {
  const built: unknown = build(ON);
  if (isSpec(built)) return built;
  const named = typeof built === "object" && built !== null ? Object.entries(built) : [];
  if (named.length === 0 || !named.every(([name, spec]) => isSpec(spec) && name !== "__proto__"))
    throw new MillraceError(
      "definition",
      "aggregate() takes a function that returns what `on` made, or an object of that: (on) => ({ requests: on.count() }).",
    );
  return composeSpecs(named as [string, AggregatorSpec][]);
}

function isSpec(value: unknown): value is AggregatorSpec {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    typeof value.kind === "string" &&
    "add" in value &&
    typeof value.add === "function"
  );
}
