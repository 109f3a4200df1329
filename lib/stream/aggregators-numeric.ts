/** Aggregates that keep a number or two, or the element that has it. null stands for "nothing yet". */

import type { AggregatorSpec } from "./aggregate.ts";
import { MillraceError } from "./error.ts";
import type { AuthorFunction } from "./node.ts";

/** An AggregatorSpec with the types that it has inside. */
export type TypedSpec<A> = {
  readonly kind: string;
  readonly form?: string;
  readonly create: () => A;
  readonly add: (accumulator: A, value: unknown) => A;
  readonly merge: ((a: A, b: A) => A) | undefined;
  readonly result: (accumulator: A) => unknown;
  readonly changed?: (accumulator: A) => unknown;
  readonly ordered?: boolean;
  readonly ignoresValue: boolean;
  readonly parts?: readonly AggregatorSpec[];
};

/** Forgets the accumulator's type, as the engine does. */
export function toSpec<A>(spec: TypedSpec<A>): AggregatorSpec {
  return spec as unknown as AggregatorSpec;
}

const zero = () => 0;
const plus = (a: number, b: number) => a + b;
const same = (accumulator: unknown) => accumulator;

const COUNT = toSpec<number>({
  kind: "count",
  create: zero,
  add: (a) => a + 1,
  merge: plus,
  result: same,
  ignoresValue: true,
});

export function countAll(): AggregatorSpec {
  return COUNT;
}

export function countWhere(where: AuthorFunction): AggregatorSpec {
  return toSpec<number>({
    kind: "count",
    create: zero,
    add: (a, value) => (where(value) ? a + 1 : a),
    merge: plus,
    result: same,
    ignoresValue: false,
  });
}

export function sumOf(by: AuthorFunction): AggregatorSpec {
  return toSpec<number>({
    kind: "sum",
    create: zero,
    add: (a, value) => a + toNumber("sum", by(value)),
    merge: plus,
    result: same,
    ignoresValue: false,
  });
}

export function extremeOf(kind: "min" | "max", by: AuthorFunction): AggregatorSpec {
  const pick =
    kind === "min"
      ? (a: number | null, n: number) => (a === null || n < a ? n : a)
      : (a: number | null, n: number) => (a === null || n > a ? n : a);
  return toSpec<number | null>({
    kind,
    create: () => null,
    add: (a, value) => pick(a, toNumber(kind, by(value))),
    merge: (a, b) => (b === null ? a : pick(a, b)),
    result: same,
    ignoresValue: false,
  });
}

export function averageOf(by: AuthorFunction): AggregatorSpec {
  return toSpec<readonly [sum: number, count: number]>({
    kind: "average",
    create: () => [0, 0],
    add: ([sum, count], value) => [sum + toNumber("average", by(value)), count + 1],
    merge: (a, b) => [a[0] + b[0], a[1] + b[1]],
    result: ([sum, count]) => sum / count,
    ignoresValue: false,
  });
}

/** The element with the least or the most; the first on a tie. */
export function bestOf(kind: "minBy" | "maxBy", by: AuthorFunction): AggregatorSpec {
  type Best = readonly [rank: number | string, element: unknown] | null;
  const better =
    kind === "minBy"
      ? (a: number | string, b: number | string) => a < b
      : (a: number | string, b: number | string) => a > b;
  return toSpec<Best>({
    kind,
    create: () => null,
    add: (a, value) => {
      const rank: unknown = by(value);
      const ordered = typeof rank === "string" ? rank : toNumber(kind, rank);
      return a === null || better(ordered, a[0]) ? [ordered, value] : a;
    },
    merge: (a, b) => (b === null || (a !== null && !better(b[0], a[0])) ? a : b),
    result: (a) => (a === null ? null : a[1]),
    ignoresValue: false,
  });
}

/** Refuses what would make every later result NaN. */
export function toNumber(kind: string, value: unknown): number {
  // biome-ignore lint/suspicious/noSelfCompare: the cheapest test for NaN, for every element.
  if (typeof value === "number" && value === value) return value;
  const what = typeof value === "number" || value === null || value === undefined ? String(value) : `a ${typeof value}`;
  throw new MillraceError("author", `The function given to ${kind} returned ${what}, not a number.`);
}
