/** Keyed state against plain maps: what a commit takes, applied elsewhere, gives the same state, at any level and through any filter. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyedState } from "../../lib/state/keyed-state.ts";

type Change =
  | { readonly kind: "set"; readonly namespace: number; readonly key: string; readonly value: number }
  | { readonly kind: "remove"; readonly namespace: number; readonly key: string }
  | { readonly kind: "drop"; readonly namespace: number }
  | { readonly kind: "merge"; readonly namespace: number; readonly keys: string[] };

const namespace = fc.nat(3);
const key = fc.nat(20).map((n) => `k${n}`);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("set" as const), namespace, key, value: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), namespace, key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), namespace }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("merge" as const), namespace, keys: fc.array(key) }) },
);
const commits = fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 12 });

function carryOut(state: KeyedState, reference: Map<string, number>, change: Change): void {
  const table = state.table("t");
  const at = `${change.namespace}`;
  switch (change.kind) {
    case "set":
      table.set(change.namespace, change.key, change.value);
      reference.set(`${at} ${change.key}`, change.value);
      break;
    case "remove":
      table.remove(change.namespace, change.key);
      reference.delete(`${at} ${change.key}`);
      break;
    case "drop":
      table.drop(change.namespace);
      for (const name of reference.keys()) if (name.startsWith(`${at} `)) reference.delete(name);
      break;
    case "merge":
      table.merge(
        change.namespace,
        change.keys,
        change.keys.map(() => 1),
        (a, b) => (a as number) + (b as number),
      );
      for (const key of change.keys) reference.set(`${at} ${key}`, (reference.get(`${at} ${key}`) ?? 0) + 1);
      break;
    default:
      change satisfies never;
  }
}

function cellsOf(state: KeyedState): [string, unknown][] {
  const cells: [string, unknown][] = [];
  const table = state.table("t");
  for (const namespace of table.namespaces())
    table.forEach(namespace, (key, value) => cells.push([`${namespace} ${key}`, value]));
  return cells.sort(([a], [b]) => (a < b ? -1 : 1));
}

const sorted = (reference: ReadonlyMap<string, number>) => [...reference].sort(([a], [b]) => (a < b ? -1 : 1));

/** As the log keeps it. */
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe("KeyedState", () => {
  test("L7: commits applied in order give the state, whatever the level of either side", () => {
    fc.assert(
      fc.property(commits, fc.array(fc.nat(6)), fc.nat(6), (changes, levels, followerLevel) => {
        const state = new KeyedState(16);
        const follower = new KeyedState(16);
        follower.level = followerLevel;
        const reference = new Map<string, number>();
        for (const [i, commit] of changes.entries()) {
          state.level = levels[i] ?? 0;
          for (const one of commit) carryOut(state, reference, one);
          follower.apply(stored(state.takeChanges().changes));
          expect(cellsOf(state)).toEqual(sorted(reference));
          expect(cellsOf(follower)).toEqual(sorted(reference));
          expect(follower.size).toBe(reference.size);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("L6: a commit touches, for who makes and who applies it, every range in which it changes anything", () => {
    fc.assert(
      fc.property(commits, fc.nat(6), (changes, level) => {
        const state = new KeyedState(16);
        const follower = new KeyedState(16);
        state.level = level;
        follower.level = level;
        const before = new Map<number, string>();
        const prefixes = Array.from({ length: 2 ** level }, (_, prefix) => prefix);
        for (const commit of changes) {
          for (const one of commit) carryOut(state, new Map(), one);
          const { changes: taken, ranges } = state.takeChanges();
          const touched = follower.apply(stored(taken));
          for (const prefix of prefixes) {
            const now = JSON.stringify(cellsIn(state, prefix));
            if (now !== (before.get(prefix) ?? "[]")) {
              expect(ranges).toContain(prefix);
              expect(touched).toContain(prefix);
            }
            before.set(prefix, now);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test("L7: a filter takes of commit and of chunk what lies in its ranges, and nothing else", () => {
    fc.assert(
      fc.property(commits, fc.nat(5), fc.nat(31), (changes, level, boundary) => {
        const state = new KeyedState(16);
        const [below, above, chunks] = [new KeyedState(16), new KeyedState(16), new KeyedState(16)];
        const isBelow = (position: number) => position < boundary * 2 ** 26;
        for (const commit of changes) {
          for (const one of commit) carryOut(state, new Map(), one);
          const taken = stored(state.takeChanges().changes);
          below.apply(taken, isBelow);
          above.apply(taken, (position) => !isBelow(position));
        }
        expect([...cellsOf(below), ...cellsOf(above)].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(cellsOf(state));
        expect(cellsOf(below).every(([name]) => isBelow(state.positionOf(name.split(" ")[1] as string)))).toBe(true);
        state.level = level;
        for (let prefix = 0; prefix < 2 ** level; prefix++) chunks.apply(stored(state.encode(prefix)));
        expect(cellsOf(chunks)).toEqual(cellsOf(state));
        state.clear(isBelow);
        expect(cellsOf(state)).toEqual(cellsOf(above));
      }),
      { numRuns: 200 },
    );
  });

  test("a namespace that is dropped costs one change, and touches only the ranges that it had cells in", () => {
    const state = new KeyedState(16);
    state.level = 6;
    const table = state.table("t");
    for (let i = 0; i < 500; i++) table.set("lasting", `k${i}`, i);
    table.set("passing", "k1", 1);
    state.takeChanges();
    table.drop("passing");
    const { changes, ranges, cells } = state.takeChanges();
    expect(changes).toEqual({ t: { d: ["passing"] } });
    expect([...ranges]).toEqual([state.prefixOf("k1")]);
    expect(cells).toBe(0);
  });

  test("a namespace without cells left is not kept", () => {
    const state = new KeyedState(16);
    const table = state.table("t");
    for (let i = 0; i < 100; i++) {
      table.set(i, "k", 1);
      table.remove(i, "k");
    }
    expect(table.namespaces().size).toBe(0);
    expect(state.encode()).toEqual({});
  });
});

function cellsIn(state: KeyedState, prefix: number): [string, unknown][] {
  return cellsOf(state).filter(([name]) => state.prefixOf(name.split(" ")[1] as string) === prefix);
}
