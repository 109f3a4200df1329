/**
 * What process functions must do, as plainly as possible: per key a list of values with the times of their last use, and sets of timers. Written from the rules,
 * not from the engine.
 */

import type { CounterState, ListState, MapState, ReducingState, ValueState } from "millrace";

/** What an element, or a timer that it sets, makes the function do. */
export type Command =
  | { readonly do: "set" | "push" | "sum" | "count"; readonly n: number }
  | { readonly do: "put"; readonly name: string; readonly n: number }
  | { readonly do: "delete"; readonly name: string }
  | { readonly do: "clear" | "show" | "throw" }
  | { readonly do: "event" | "clock"; readonly ms: number; readonly plan: readonly Command[] }
  | { readonly do: "no-event" | "no-clock"; readonly ms: number };

export type Handles = {
  readonly value: ValueState<number>;
  readonly list: ListState<number>;
  readonly map: MapState<number>;
  readonly sum: ReducingState<number>;
  readonly count: CounterState;
  /** What timers do when they fire, by kind and time; without a time to live. */
  readonly plans: MapState<readonly Command[]>;
};

/** What a function is told, in the engine and in the model. */
export type Told = {
  readonly state: Handles;
  readonly timers: {
    eventTime(atMs: number): void;
    processingTime(atMs: number): void;
    deleteEventTime(atMs: number): void;
    deleteProcessingTime(atMs: number): void;
  };
  readonly timestampMs: number;
  readonly processingTimeMs: number;
  readonly watermarkMs: number;
};

/** The function itself: the same for both. */
export function* carryOut(commands: readonly Command[], told: Told): Generator<string> {
  const { state, timers, processingTimeMs } = told;
  for (const command of commands)
    switch (command.do) {
      case "set":
        state.value.set(command.n);
        break;
      case "push":
        state.list.add(command.n);
        break;
      case "sum":
        state.sum.add(command.n);
        break;
      case "count":
        state.count.add(command.n);
        break;
      case "put":
        state.map.set(command.name, command.n);
        break;
      case "delete":
        state.map.delete(command.name);
        break;
      case "clear":
        state.value.clear();
        state.list.clear();
        break;
      case "event":
        timers.eventTime(command.ms);
        state.plans.set(`event ${command.ms}`, command.plan);
        break;
      case "clock":
        timers.processingTime(processingTimeMs + command.ms);
        state.plans.set(`processing ${processingTimeMs + command.ms}`, command.plan);
        break;
      case "no-event":
        timers.deleteEventTime(command.ms);
        break;
      case "no-clock":
        timers.deleteProcessingTime(processingTimeMs + command.ms);
        break;
      case "show":
        yield show(told);
        break;
      case "throw":
        throw new Error("on purpose");
      default:
        command satisfies never;
    }
}

/** The function's onTimer. */
export function* carryOutPlan(told: Told & { readonly time: string; readonly firedAtMs: number }): Generator<string> {
  yield `${told.time} ${told.firedAtMs} at ${shownWatermark(told)} ${told.processingTimeMs}`;
  yield* carryOut(told.state.plans.get(`${told.time} ${told.firedAtMs}`) ?? [], told);
}

/** What elements alone make of it, far behind all times of the test, is not what is tested here. */
function shownWatermark({ watermarkMs }: Told): number {
  return Math.max(watermarkMs, -100);
}

function show(told: Told): string {
  const { state } = told;
  const map = state.map.entries().map(([name, n]) => `${name}${n}`);
  return `${state.value.get()} [${state.list.get()}] {${map.sort()}} ${state.map.size} ${state.sum.get()} ${state.count.value} at ${shownWatermark(told)} ${told.processingTimeMs}`;
}

type Used = { readonly value: unknown; usedMs: number };
type KeyCells = { cells: Record<string, Used[]>; event: number[]; clock: number[] };

export type Emitted = { readonly key: string; readonly value: string; readonly timestampMs: number };

/** A process function with all its keys in one place. */
export class ProcessModel {
  readonly #ttlMs: number;
  readonly #onRead: boolean;
  readonly #keys = new Map<string, KeyCells>();
  #watermarkMs = Number.NEGATIVE_INFINITY;
  #nowMs: number;
  readonly emitted: Emitted[] = [];
  failed = 0;

  constructor(nowMs: number, ttlMs: number | undefined, refresh: "write" | "read") {
    this.#nowMs = nowMs;
    this.#ttlMs = ttlMs ?? Number.POSITIVE_INFINITY;
    this.#onRead = refresh === "read";
  }

  element(key: string, commands: readonly Command[], timestampMs: number): void {
    this.#run(key, timestampMs, (told) => carryOut(commands, told));
  }

  /** The watermark moves, if that is ahead; timers fire in order of time, those set meanwhile among them. */
  watermark(toMs: number): void {
    if (toMs <= this.#watermarkMs) return;
    this.#watermarkMs = toMs;
    this.#fire("event", toMs);
  }

  /** The clock moves to where timers are due one by one, and then to `toMs`. */
  clock(toMs: number): void {
    for (;;) {
      const nextMs = Math.min(...[...this.#keys.values()].flatMap(({ clock }) => clock));
      if (nextMs > toMs) break;
      this.#nowMs = Math.max(this.#nowMs, nextMs);
      this.#fire("clock", this.#nowMs);
    }
    this.#nowMs = toMs;
  }

  #fire(kind: "event" | "clock", toMs: number): void {
    for (const [key, cells] of [...this.#keys])
      for (;;) {
        // A failed timer brings back a copy of what was there.
        const timers = (this.#keys.get(key) ?? cells)[kind];
        const firedAtMs = Math.min(...timers);
        if (timers.length === 0 || firedAtMs > toMs) break;
        timers.splice(timers.indexOf(firedAtMs), 1);
        const time = kind === "event" ? "event" : "processing";
        this.#run(key, firedAtMs, (told) => carryOutPlan({ ...told, time, firedAtMs }));
      }
  }

  #run(key: string, timestampMs: number, fn: (told: Told) => Iterable<string>): void {
    const cells = this.#keys.get(key) ?? { cells: {}, event: [], clock: [] };
    this.#keys.set(key, cells);
    const before = structuredClone(cells);
    const told: Told = {
      state: this.#handlesOf(cells.cells),
      timers: {
        eventTime: (atMs) => add(cells.event, atMs),
        processingTime: (atMs) => add(cells.clock, atMs),
        deleteEventTime: (atMs) => remove(cells.event, atMs),
        deleteProcessingTime: (atMs) => remove(cells.clock, atMs),
      },
      timestampMs,
      processingTimeMs: this.#nowMs,
      watermarkMs: this.#watermarkMs,
    };
    try {
      const values = [...fn(told)];
      this.emitted.push(...values.map((value) => ({ key, value, timestampMs })));
    } catch {
      this.failed++;
      this.#keys.set(key, before);
    }
  }

  #handlesOf(cells: Record<string, Used[]>): Handles {
    /** What is left of a state. */
    const read = (name: string, isUse = true, ttlMs = this.#ttlMs): Used[] => {
      const left = (cells[name] ?? []).filter(({ usedMs }) => usedMs + ttlMs > this.#nowMs);
      cells[name] = left;
      if (isUse && this.#onRead) for (const cell of left) cell.usedMs = this.#nowMs;
      return left;
    };
    const one = <V>(name: string) => read(name)[0]?.value as V | undefined;
    const set = (name: string, value: unknown) => {
      cells[name] = [{ value, usedMs: this.#nowMs }];
    };
    const mapOf = <V>(prefix: string, ttlMs = this.#ttlMs): MapState<V> => {
      const names = (isUse: boolean) =>
        Object.keys(cells).flatMap((name) =>
          name.startsWith(`${prefix}/`) && read(name, isUse, ttlMs).length > 0 ? [name.slice(prefix.length + 1)] : [],
        );
      const get = (name: string) => read(`${prefix}/${name}`, true, ttlMs)[0]?.value as V | undefined;
      return {
        get,
        set: (name, value) => set(`${prefix}/${name}`, value),
        has: (name) => get(name) !== undefined,
        delete: (name) => delete cells[`${prefix}/${name}`],
        entries: () => names(true).map((name) => [name, get(name) as V] as const),
        keys: () => names(true),
        values: () => names(true).map((name) => get(name) as V),
        get size() {
          return names(false).length;
        },
        clear: () => {
          for (const name of names(false)) delete cells[`${prefix}/${name}`];
        },
      };
    };
    return {
      value: { get: () => one("value"), set: (n) => set("value", n), clear: () => delete cells.value },
      list: {
        get: () => read("list").map(({ value }) => value as number),
        add: (value) => read("list", false).push({ value, usedMs: this.#nowMs }),
        set: () => {
          throw new Error("not used");
        },
        clear: () => delete cells.list,
      },
      map: mapOf<number>("map"),
      sum: {
        get: () => one("sum"),
        add: (n) => {
          set("sum", ((one("sum") as number | undefined) ?? 0) + n);
          return one("sum") as number;
        },
        clear: () => delete cells.sum,
      },
      count: {
        get value() {
          return (one("count") as number | undefined) ?? 0;
        },
        add: (n = 1) => {
          set("count", ((one("count") as number | undefined) ?? 0) + n);
          return one("count") as number;
        },
        clear: () => delete cells.count,
      },
      plans: mapOf("plans", Number.POSITIVE_INFINITY),
    };
  }
}

function add(timers: number[], atMs: number): void {
  if (!timers.includes(atMs)) timers.push(atMs);
}

function remove(timers: number[], atMs: number): void {
  const i = timers.indexOf(atMs);
  if (i >= 0) timers.splice(i, 1);
}
