/**
 * Aggregates that keep elements, the author's own, and several at once.
 *
 * 1. An element is added wholly or, where an author's function throws, not at all: it becomes a dead letter and must not be counted.
 * 2. Where an accumulator is changed in place, its result is a copy: a result that was passed on must not change afterwards.
 */

import type { AggregatorSpec } from "./aggregate.ts";
import { type TypedSpec, toNumber, toSpec } from "./aggregators-numeric.ts";
import { MillraceError } from "./error.ts";
import type { AuthorFunction } from "./node.ts";

/**
 * A spec that changes its accumulator in place: `prepare` runs the author's function and may throw, `insert` cannot. All other specs
 * made here return a new accumulator.
 */
type InPlace = {
  readonly prepare: (value: unknown) => unknown;
  readonly insert: (accumulator: unknown, prepared: unknown) => unknown;
};

/** A spec that changes its accumulator in place. */
export function inPlace<A, P>(
  spec: Omit<TypedSpec<A>, "add" | "ignoresValue">,
  prepare: (value: unknown) => P,
  insert: (accumulator: A, prepared: P) => A,
): AggregatorSpec {
  const add = (a: A, value: unknown) => insert(a, prepare(value));
  return Object.assign(toSpec<A>({ ...spec, add, ignoresValue: false }), { prepare, insert });
}

/** Nothing yet, or one value: in an array, because the value may be null. */
type Maybe = readonly unknown[];

const nothing = (): Maybe => [];
const held = (accumulator: Maybe) => accumulator[0];

export function firstOf(): AggregatorSpec {
  return toSpec<Maybe>({
    kind: "first",
    create: nothing,
    add: (a, value) => (a.length === 0 ? [value] : a),
    merge: (a, b) => (a.length === 0 ? b : a),
    result: held,
    ordered: true,
    ignoresValue: false,
  });
}

export function lastOf(): AggregatorSpec {
  return toSpec<Maybe>({
    kind: "last",
    create: nothing,
    add: (_, value) => [value],
    merge: (a, b) => (b.length === 0 ? a : b),
    result: held,
    ordered: true,
    ignoresValue: false,
  });
}

/** `.reduce(fn)`: `fn` must be associative, as Flink asks too. Merged in the order of arrival, the slices of sliding and cumulative windows in that of time. */
export function reduceBy(fn: AuthorFunction): AggregatorSpec {
  return toSpec<Maybe>({
    kind: "reduce",
    create: nothing,
    add: (a, value) => [a.length === 0 ? value : fn(a[0], value)],
    merge: (a, b) => (a.length === 0 ? b : b.length === 0 ? a : [fn(a[0], b[0])]),
    result: held,
    ignoresValue: false,
  });
}

export function collectAll(fn?: AuthorFunction): AggregatorSpec {
  return inPlace<unknown[], unknown>(
    {
      kind: "collect",
      create: () => [],
      merge: (a, b) => {
        for (const value of b) a.push(value);
        return a;
      },
      result: (a) => a.slice(),
      changed: (a) => (a.length === 0 ? null : a[a.length - 1]),
      ordered: true,
    },
    fn === undefined ? (value) => value : (value) => fn(value),
    (a, value) => {
      a.push(value);
      return a;
    },
  );
}

const TOP_N_MAX = 10_000;

/** The n elements with the most, the most first; on a tie the earlier one. */
export function topOf(n: number, by: AuthorFunction): AggregatorSpec {
  if (!Number.isSafeInteger(n) || n < 1 || n > TOP_N_MAX)
    throw new MillraceError("definition", `topN takes a whole number from 1 to ${TOP_N_MAX}, not ${n}.`);
  type Ranked = readonly [rank: number, element: unknown];
  const insert = (top: Ranked[], entry: Ranked): Ranked[] => {
    const rank = entry[0];
    if (top.length >= n) {
      if (rank <= top[n - 1]![0]) return top;
      top.pop();
    }
    let low = 0;
    for (let high = top.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (top[middle]![0] >= rank) low = middle + 1;
      else high = middle;
    }
    top.splice(low, 0, entry);
    return top;
  };
  return inPlace<Ranked[], Ranked>(
    {
      kind: "topN",
      // Fewer that were kept do not tell of more.
      form: `top ${n}`,
      create: () => [],
      merge: (a, b) => b.reduce(insert, a),
      result: (a) => a.map(([, element]) => element),
    },
    (value) => [toNumber("topN", by(value)), value],
    insert,
  );
}

/** The author's own; mergeable only where the author says how. */
export function customSpec(spec: {
  create: AuthorFunction;
  add: AuthorFunction;
  merge?: AuthorFunction;
  result: AuthorFunction;
}): AggregatorSpec {
  const { create, add, merge, result } = spec;
  for (const [name, fn] of Object.entries({ create, add, result }))
    if (typeof fn !== "function")
      throw new MillraceError(
        "definition",
        `on.custom needs the functions create, add and result; ${name} is missing.`,
      );
  return {
    kind: "custom",
    // Called on the spec, so that methods which use `this` work.
    create: () => spec.create(),
    add: (a, value) => spec.add(a, value),
    merge: merge === undefined ? undefined : (a, b) => spec.merge!(a, b),
    result: (a) => spec.result(a),
    ignoresValue: false,
  };
}

/** Several at once: the accumulator is an array of accumulators, the result an object. */
export function composeSpecs(named: readonly (readonly [string, AggregatorSpec])[]): AggregatorSpec {
  const names = named.map(([name]) => name);
  const specs = named.map(([, spec]) => spec);
  const { length } = specs;
  // The author's own come last: whatever they change before something else throws could not be undone.
  const order = [...specs.keys()].sort(
    (i, j) => Number(specs[i]!.kind === "custom") - Number(specs[j]!.kind === "custom"),
  );
  const deferred = order.filter((i) => "prepare" in specs[i]!);
  const first = order.map((i) => ({ i, run: deferred.includes(i) ? preparing(specs[i]!) : specs[i]!.add }));
  const changes = specs.map((spec) => spec.changed);
  const merges = specs.flatMap((spec) => (spec.merge === undefined ? [] : [spec.merge]));
  return toSpec<unknown[]>({
    kind: "object",
    create: () => specs.map((spec) => spec.create()),
    add: (a, value) => {
      const next = new Array<unknown>(length);
      for (const { i, run } of first) next[i] = run(a[i], value);
      for (const i of deferred) next[i] = (specs[i] as unknown as InPlace).insert(a[i], next[i]);
      return next;
    },
    merge:
      merges.length < length
        ? undefined
        : (a, b) => {
            for (let i = 0; i < length; i++) a[i] = merges[i]!(a[i], b[i]);
            return a;
          },
    result: (a) => {
      const result: Record<string, unknown> = {};
      for (let i = 0; i < length; i++) result[names[i]!] = specs[i]!.result(a[i]);
      return result;
    },
    ...(changes.some((changed) => changed !== undefined) && {
      changed: (a: unknown[]) => a.map((part, i) => (changes[i] === undefined ? part : changes[i](part))),
    }),
    ordered: specs.some((spec) => spec.ordered === true),
    ignoresValue: specs.every((spec) => spec.ignoresValue),
    parts: specs,
  });
}

function preparing(spec: AggregatorSpec): AggregatorSpec["add"] {
  const { prepare } = spec as unknown as InPlace;
  return (_, value) => prepare(value);
}
