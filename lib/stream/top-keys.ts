/**
 * The n keys of a window with the most, over all keys: windows per key, and over their results one window for all, as long as the ends of the first are apart, so
 * that each result of the first is in the window that it is of.
 *
 * 1. Where each key has one result, only the n best of a bundle cross the shuffle, and no more are kept.
 * 2. Where results are updated, the newest of a key counts, be it less than the one before: then all keys of a window are kept.
 */

import type { AggregatorSpec } from "./aggregate.ts";
import { inPlace } from "./aggregators-collecting.ts";
import { toNumber } from "./aggregators-numeric.ts";
import { type Duration, milliseconds } from "./duration.ts";
import type { Result, WindowResult } from "./elements.ts";
import { MillraceError } from "./error.ts";
import { decodeKey, encodeKey, type Key, type KeyPart } from "./key.ts";
import type { AuthorFunction, KeyByNode, MapNode, WindowNode } from "./node.ts";
import type { TriggerSpec } from "./trigger.ts";
import type { TumblingSpec, WindowAssignerSpec } from "./window-spec.ts";

const N_MAX = 10_000;

/** A key with what it is ranked by. Keys are encoded. */
type Ranked = readonly [rank: number, key: string, value: unknown];

/** Of one window, which is null before there is anything. */
type Best = [window: unknown, ranked: Ranked[]];
type Newest = [window: unknown, byKey: Record<string, Ranked>];

/** The node of the best keys over windows per key, which are `perKey`. `updates`: how results before the end are told, if they are. */
export function topKeysNode(
  perKey: WindowNode,
  {
    n,
    by,
    name,
    updates,
  }: { n: number; by: AuthorFunction; name: string | undefined; updates: TriggerSpec | undefined },
): MapNode {
  if (!Number.isSafeInteger(n) || n < 1 || n > N_MAX)
    throw new MillraceError("definition", `topKeys takes a whole number from 1 to ${N_MAX}, not ${n}.`);
  const assigner = gridOf(perKey.assigner);
  const isUpdated = perKey.trigger !== undefined || perKey.allowedLateness > 0;
  const all: KeyByNode = {
    kind: "keyBy",
    input: perKey,
    name: name ?? "top",
    fn: () => "",
    sends: "by-key",
    parallelism: 1,
    maxParallelism: 128,
    function: undefined,
  };
  const best: WindowNode = {
    kind: "window",
    input: all,
    name: undefined,
    assigner,
    aggregator: isUpdated ? newestOf(n, by) : bestOf(n, by),
    process: undefined,
    trigger: updates,
    evictor: undefined,
    allowedLateness: perKey.allowedLateness,
    lateTo: undefined,
    all: true,
  };
  // Windows of the result are those of the keys, which may be longer than the ends are apart.
  const fn = ({ key, value }: WindowResult<null, [unknown, readonly unknown[]], unknown>) => ({
    key,
    value: value[1],
    window: value[0],
  });
  return { kind: "map", input: best, name: undefined, fn };
}

/** Windows that hold the last milliseconds of one window each. */
function gridOf(assigner: WindowAssignerSpec): TumblingSpec {
  if (assigner.time === "event")
    switch (assigner.kind) {
      case "tumbling":
        return assigner;
      case "sliding":
        return everyEnd(assigner.slide, assigner.offset + assigner.size);
      case "cumulative":
        return everyEnd(assigner.step, assigner.offset);
      default:
    }
  throw new MillraceError(
    "definition",
    "topKeys is for tumbling, sliding and cumulative windows in event time: only these are the same for all keys.",
  );
}

function everyEnd(apart: Duration, anEndMs: number): TumblingSpec {
  return { kind: "tumbling", size: apart, offset: milliseconds(anEndMs % apart), time: "event" };
}

function ranking(by: AuthorFunction): (element: Result<Key, unknown>) => Ranked {
  return ({ key, value }) => [toNumber("topKeys", by(value)), encodeKey(key), value];
}

type Element = WindowResult<Key, unknown, unknown>;

/** The n best, the best first. */
function bestOf(n: number, by: AuthorFunction): AggregatorSpec {
  const rank = ranking(by);
  let added: unknown;
  const insert = (all: Ranked[], one: Ranked): void => {
    if (all.length >= n && compare(one, all[n - 1] as Ranked) >= 0) return;
    let low = 0;
    for (let high = all.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (compare(all[middle] as Ranked, one) < 0) low = middle + 1;
      else high = middle;
    }
    all.splice(low, 0, one);
    if (all.length > n) all.pop();
  };
  return inPlace<Best, readonly [unknown, Ranked]>(
    {
      kind: "topKeys",
      form: `the ${n} best keys`,
      create: () => [null, []],
      merge: (a, b) => {
        for (const one of b[1]) insert(a[1], one);
        return [a[0] ?? b[0], a[1]];
      },
      result: ([window, all]) => [window, all.map(toResult)],
      // Only what was added last can be what cannot be kept.
      changed: () => added,
    },
    (element) => {
      const one = rank(element as Element);
      added = one;
      return [(element as Element).window, one];
    },
    (a, [window, one]) => {
      insert(a[1], one);
      return [window, a[1]];
    },
  );
}

/** The newest of each key, of which the n best are told. */
function newestOf(n: number, by: AuthorFunction): AggregatorSpec {
  const rank = ranking(by);
  let added: unknown;
  // With a letter in front no key is the name of a prototype.
  const put = (all: Newest[1], one: Ranked) => {
    all[`k${one[1]}`] = one;
  };
  return inPlace<Newest, readonly [unknown, Ranked]>(
    {
      kind: "topKeys",
      form: "the newest of all keys",
      create: () => [null, {}],
      merge: (a, b) => {
        for (const one of Object.values(b[1])) put(a[1], one);
        return [a[0] ?? b[0], a[1]];
      },
      result: ([window, all]) => [window, Object.values(all).sort(compare).slice(0, n).map(toResult)],
      changed: () => added,
    },
    (element) => {
      const one = rank(element as Element);
      added = one;
      return [(element as Element).window, one];
    },
    (a, [window, one]) => {
      put(a[1], one);
      return [window, a[1]];
    },
  );
}

function toResult([, key, value]: Ranked): Result<Key, unknown> {
  return { key: decodeKey(key), value };
}

/** The most first; of as much the lesser key, so that it does not depend on which came first. */
function compare(a: Ranked, b: Ranked): number {
  if (a[0] !== b[0]) return b[0] - a[0] > 0 ? 1 : -1;
  return compareKeys(a[1], b[1]);
}

/** Numbers by their size, texts by their UTF-16 units, tuples by their parts in turn; else as they are encoded. */
function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [decodeKey(a), decodeKey(b)].map((key) => (typeof key === "object" ? key : [key])) as [
    readonly KeyPart[],
    readonly KeyPart[],
  ];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [one, other] = [left[i] as KeyPart, right[i] as KeyPart];
    if (typeof one !== typeof other) break;
    if (one < other) return -1;
    if (one > other) return 1;
  }
  return a < b ? -1 : 1;
}
