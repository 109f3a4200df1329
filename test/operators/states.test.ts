/** The states of process functions against plain values with times, on random calls, clocks, commits and restarts. MILLRACE_RUNS=100000 runs more. */

import fc from "fast-check";
import {
  type AggregatingState,
  aggregatingState,
  type CounterState,
  counterState,
  type ListState,
  listState,
  type MapState,
  mapState,
  milliseconds,
  type ReducingState,
  reducingState,
  type StateOptions,
  type ValueState,
  valueState,
} from "millrace";
import { describe, expect, test } from "vitest";
import { makeStates } from "../../lib/operators/process-states.ts";
import { CallScope } from "../../lib/operators/state-scope.ts";
import { AuthorCalls } from "../../lib/runtime/author-calls.ts";
import { KeyedState } from "../../lib/state/keyed-state.ts";
import type { StateSpec } from "../../lib/stream/process-state.ts";

const RUNS = Number(process.env.MILLRACE_RUNS ?? 200);

type Handles = {
  readonly value: ValueState<number>;
  readonly list: ListState<number>;
  readonly map: MapState<number>;
  readonly sum: ReducingState<number>;
  readonly all: AggregatingState<number, string>;
  readonly count: CounterState;
};

const declared = (options: StateOptions) => ({
  value: valueState<number>(options),
  list: listState<number>(options),
  map: mapState<number>(options),
  sum: reducingState<number>((a, b) => a + b, options),
  all: aggregatingState(
    { create: () => [] as number[], add: (a, n: number) => [...a, n], result: (a) => a.join() },
    options,
  ),
  count: counterState(options),
});

/** States over tables, at a time of the clock, for any key. */
class World {
  state = new KeyedState(128);
  readonly time = { nowMs: 1_000, watermarkMs: 0 };
  readonly #options: StateOptions;
  #scope = new CallScope(new AuthorCalls().caller);
  #states: ReturnType<typeof makeStates> = [];

  constructor(options: StateOptions = {}) {
    this.#options = options;
    this.#make();
  }

  for(key: string): Handles {
    this.#scope.open(key);
    return Object.fromEntries(this.#states.map(({ name, cells }) => [name, cells.handle])) as unknown as Handles;
  }

  sweep(): void {
    for (const { rules, cells } of this.#states) rules.sweep(cells.sweep);
  }

  nextSweepMs(): number {
    return Math.min(...this.#states.map(({ rules }) => rules.nextSweepMs()));
  }

  /** As a log keeps it. */
  restart(level: number): void {
    const before = JSON.stringify(this.state.encode());
    this.state = new KeyedState(128);
    this.state.level = level;
    this.state.apply(JSON.parse(before));
    this.#make();
  }

  #make(): void {
    this.#scope = new CallScope(new AuthorCalls().caller);
    const specs = Object.entries(declared(this.#options)).map(([name, spec]) => ({
      name,
      spec: spec as unknown as StateSpec,
    }));
    const tables = (suffix: string) => this.state.table(`by-key/process/${suffix}`);
    this.#states = makeStates(specs, this.#scope, { tables, time: this.time });
  }
}

/** A value, and when it was last used. */
type Used<V> = { value: V; usedMs: number };

/** The same, as plainly as possible. */
class Model {
  readonly #ttlMs: number;
  readonly #onRead: boolean;
  nowMs = 1_000;
  readonly #cells = new Map<string, Used<unknown>[]>();

  constructor({ ttl, refresh }: StateOptions) {
    this.#ttlMs = ttl ?? Number.POSITIVE_INFINITY;
    this.#onRead = refresh === "read";
  }

  /** What is left of a state's values; reading may be a use. */
  read(name: string, isUse = true): Used<unknown>[] {
    const left = (this.#cells.get(name) ?? []).filter(({ usedMs }) => usedMs + this.#ttlMs > this.nowMs);
    this.#cells.set(name, left);
    if (isUse && this.#onRead) for (const cell of left) cell.usedMs = this.nowMs;
    return left;
  }

  one(name: string): unknown {
    return this.read(name)[0]?.value;
  }

  set(name: string, value: unknown): void {
    this.#cells.set(name, [{ value, usedMs: this.nowMs }]);
  }

  add(name: string, value: unknown): void {
    this.read(name, false).push({ value, usedMs: this.nowMs });
  }

  remove(name: string): void {
    this.#cells.delete(name);
  }

  names(): string[] {
    return [...this.#cells.keys()].filter((name) => this.read(name, false).length > 0);
  }
}

const NAMES = ["a", "b", "__proto__", "1", "é", ...Array.from({ length: 200 }, (_, i) => `n${i}`)];

const call = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constantFrom("set", "push", "put", "sum", "all", "count"), n: fc.nat(99) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("get", "list", "entry", "sums", "alls", "counts", "entries", "has", "size"),
      n: fc.nat(99),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("clear", "clear-list", "clear-map", "replace", "delete", "many", "clear-count"),
      n: fc.nat(99),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("pass", "sweep", "restart", "commit"), n: fc.nat(30) }) },
);

function carryOut(world: World, model: Model, key: string, { kind, n }: { kind: string; n: number }): void {
  const at = (name: string) => `${key}/${name}`;
  const { value, list, map, sum, all, count } = world.for(key);
  const name = NAMES[n] as string;
  const put = (name: string, n: number) => {
    map.set(name, n);
    model.set(at(`map/${name}`), n);
  };
  const entriesOf = (isUse: boolean) =>
    NAMES.flatMap((name): [string, unknown][] =>
      model.read(at(`map/${name}`), isUse).map(({ value }) => [name, value]),
    );
  switch (kind) {
    case "set":
      value.set(n);
      model.set(at("value"), n);
      break;
    case "push":
      list.add(n);
      model.add(at("list"), n);
      break;
    case "put":
      put(name, n);
      break;
    case "many":
      for (const name of NAMES) put(name, n);
      for (let i = 0; i < 150; i++) {
        list.add(i);
        model.add(at("list"), i);
      }
      break;
    case "sum": {
      const before = model.one(at("sum")) as number | undefined;
      model.set(at("sum"), before === undefined ? n : before + n);
      expect(sum.add(n)).toBe(model.one(at("sum")));
      break;
    }
    case "all": {
      const before = model.one(at("all")) as string | undefined;
      model.set(at("all"), before === undefined ? `${n}` : `${before},${n}`);
      expect(all.add(n)).toBe(model.one(at("all")));
      break;
    }
    case "count":
      model.set(at("count"), ((model.one(at("count")) as number | undefined) ?? 0) + n);
      expect(count.add(n)).toBe(model.one(at("count")));
      break;
    case "get":
      expect(value.get()).toBe(model.one(at("value")));
      break;
    case "list":
      expect(list.get()).toEqual(model.read(at("list")).map(({ value }) => value));
      break;
    case "entry":
      expect(map.get(name)).toBe(model.one(at(`map/${name}`)));
      break;
    case "has":
      expect(map.has(name)).toBe(model.read(at(`map/${name}`)).length > 0);
      break;
    case "entries":
      expect(new Map(map.entries())).toEqual(new Map(entriesOf(true) as [string, number][]));
      break;
    case "size":
      expect(map.size).toBe(entriesOf(false).length);
      break;
    case "sums":
      expect(sum.get()).toBe(model.one(at("sum")));
      break;
    case "alls":
      expect(all.get()).toBe(model.one(at("all")));
      break;
    case "counts":
      expect(count.value).toBe(model.one(at("count")) ?? 0);
      break;
    case "clear":
      value.clear();
      model.remove(at("value"));
      break;
    case "clear-count":
      count.clear();
      model.remove(at("count"));
      break;
    case "clear-list":
      list.clear();
      model.remove(at("list"));
      break;
    case "clear-map":
      map.clear();
      for (const name of NAMES) model.remove(at(`map/${name}`));
      break;
    case "replace":
      list.set([n, n + 1]);
      model.remove(at("list"));
      model.add(at("list"), n);
      model.add(at("list"), n + 1);
      break;
    case "delete":
      expect(map.delete(name)).toBe(model.read(at(`map/${name}`), false).length > 0);
      model.remove(at(`map/${name}`));
      break;
    case "pass":
      world.time.nowMs += n;
      model.nowMs += n;
      break;
    case "sweep":
      world.sweep();
      break;
    case "restart":
      world.restart(n % 4);
      break;
    case "commit":
      world.state.takeChanges();
      break;
    default:
      throw new Error(kind);
  }
}

describe("states", () => {
  test("do what plain values with times do, and what has expired is never seen and dropped in time", () => {
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 1, max: 40 })),
        fc.constantFrom("write" as const, "read" as const),
        fc.array(fc.tuple(fc.constantFrom("k", "l"), call), { maxLength: 80 }),
        (ttl, refresh, calls) => {
          const options: StateOptions = ttl === null ? {} : { ttl: milliseconds(ttl), refresh };
          const world = new World(options);
          const model = new Model(options);
          for (const [key, one] of calls) carryOut(world, model, key, one);
          if (ttl === null) {
            expect(world.nextSweepMs()).toBe(Number.POSITIVE_INFINITY);
            return;
          }
          if (model.names().length > 0) expect(world.nextSweepMs()).toBeLessThan(Number.POSITIVE_INFINITY);
          // When it asks to be woken there is something to drop, until nothing is left.
          for (let round = 0; world.nextSweepMs() < Number.POSITIVE_INFINITY; round++) {
            expect(round).toBeLessThan(100);
            world.time.nowMs = Math.max(world.time.nowMs, world.nextSweepMs());
            world.sweep();
          }
          expect(world.state.size).toBe(0);
          expect(world.time.nowMs).toBeLessThan(model.nowMs + 3 * ttl + 10);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("a time to live ends exactly: expired iff last use + ttl ≤ now", () => {
    const world = new World({ ttl: milliseconds(10) });
    world.for("k").value.set(1);
    world.time.nowMs = 1_009;
    expect(world.for("k").value.get()).toBe(1);
    world.time.nowMs = 1_010;
    expect(world.for("k").value.get()).toBeUndefined();
  });

  test("writing begins the time anew, and reading only where it says so", () => {
    for (const refresh of ["write", "read"] as const) {
      const world = new World({ ttl: milliseconds(10), refresh });
      world.for("k").value.set(1);
      world.for("k").map.set("a", 1);
      world.time.nowMs = 1_009;
      expect([world.for("k").value.get(), world.for("k").map.has("a")]).toEqual([1, true]);
      world.time.nowMs = 1_018;
      expect(world.for("k").value.get()).toBe(refresh === "read" ? 1 : undefined);
      expect(world.for("k").map.get("a")).toBe(refresh === "read" ? 1 : undefined);
    }
  });

  test("elements of a list and entries of a map expire one by one", () => {
    const world = new World({ ttl: milliseconds(10) });
    for (const n of [1, 2, 3]) {
      world.for("k").list.add(n);
      world.for("k").map.set(`n${n}`, n);
      world.time.nowMs += 5;
    }
    expect(world.for("k").list.get()).toEqual([3]);
    expect(world.for("k").map.entries()).toEqual([["n3", 3]]);
    world.for("k").map.set("n2", 4);
    expect(world.for("k").map.keys().toSorted()).toEqual(["n2", "n3"]);
  });

  test("what is used often is looked at once in a time to live, not moved at each use", () => {
    const world = new World({ ttl: milliseconds(1_000) });
    for (let i = 0; i < 500; i++) {
      world.time.nowMs++;
      world.for("k").value.set(i);
      world.state.takeChanges();
    }
    world.for("k").value.set(0);
    expect(Object.keys(world.state.takeChanges().changes)).toEqual(["by-key/process/state/value/value"]);
  });

  test("a list and a map have a million entries at most", () => {
    const { list, map } = new World().for("k");
    for (let i = 0; i < 1_000_000; i++) list.add(i);
    expect(() => list.add(0)).toThrow('the state "list" has 1000000 elements, which is as many as a list may have');
    for (let i = 0; i < 1_000_000; i++) map.set(`${i}`, i);
    map.set("7", 8);
    expect(() => map.set("new", 0)).toThrow('the state "map" has 1000000 entries, which is as many as a map may have');
  }, 60_000);

  test("reading writes nothing, and a commit has no more than what was touched of a large map and list", () => {
    const world = new World();
    for (let i = 0; i < 5_000; i++) {
      world.for("k").map.set(`entry-${i}`, i);
      world.for("k").list.add(i);
    }
    world.state.takeChanges();
    const { map, list, value } = world.for("k");
    expect([map.get("entry-7"), map.size, list.get().length, value.get()]).toEqual([7, 5_000, 5_000, undefined]);
    expect(world.state.takeChanges().changes).toEqual({});
    map.set("entry-7", 8);
    map.set("new", 1);
    list.add(1);
    expect(JSON.stringify(world.state.takeChanges().changes).length).toBeLessThan(6_000);
  });
});
