/** Timers, rule by rule, and against a sorted list on random calls, commits and restarts. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Timers } from "../../lib/operators/timers.ts";
import { KeyedState, type Namespace } from "../../lib/state/keyed-state.ts";

const RUNS = Number(process.env.MILLRACE_RUNS ?? 300);

type Fired = [timeMs: number, namespace: Namespace, key: string];

function over(state = new KeyedState(128)) {
  const timers = new Timers((suffix) => state.table(`by-key/step/${suffix}`), "event");
  const fire = (toMs: number, then?: (...fired: Fired) => void) => {
    const fired: Fired[] = [];
    timers.advance(toMs, (namespace, key, timeMs) => {
      fired.push([timeMs, namespace, key]);
      then?.(timeMs, namespace, key);
    });
    return fired;
  };
  return { state, timers, fire };
}

/** What a restart makes of a state: through JSON, as a log keeps it. */
function restarted(state: KeyedState): KeyedState {
  const copy = new KeyedState(state.maxParallelism);
  copy.level = state.level;
  copy.apply(JSON.parse(JSON.stringify(state.encode())));
  return copy;
}

describe("timers", () => {
  test("a timer fires when time reaches it, not a millisecond before", () => {
    const { timers, fire } = over();
    timers.set("", "k", 10);
    expect(timers.nextMs()).toBe(10);
    expect(fire(9)).toEqual([]);
    expect(fire(10)).toEqual([[10, "", "k"]]);
    expect(fire(11)).toEqual([]);
    expect(timers.nextMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test("there is one timer per key, namespace and time: set twice it fires once", () => {
    const { timers, fire } = over();
    for (const namespace of ["", 5, "5"]) for (let i = 0; i < 2; i++) timers.set(namespace, "k", 10);
    timers.set("", "l", 10);
    expect(fire(10)).toEqual([
      [10, 5, "k"],
      [10, "", "k"],
      [10, "", "l"],
      [10, "5", "k"],
    ]);
  });

  test("deleting a timer that is not there does nothing; one that is there never fires", () => {
    const { timers, fire } = over();
    timers.delete("", "k", 10);
    timers.set("", "k", 10);
    timers.set("", "k", 20);
    timers.delete("", "k", 15);
    timers.delete("", "k", 10);
    expect(timers.nextMs()).toBe(20);
    expect(fire(30)).toEqual([[20, "", "k"]]);
  });

  test("timers fire in order of time, and at one time in order of namespace and key", () => {
    const { timers, fire } = over();
    for (const [key, timeMs] of [
      ["b", 3],
      ["a", 3],
      ["c", -1],
      ["a", 2],
      ["a", 10],
    ] as const)
      timers.set("", key, timeMs);
    expect(fire(10).map(([timeMs, , key]) => `${timeMs}${key}`)).toEqual(["-1c", "2a", "3a", "3b", "10a"]);
  });

  test("a timer that is set while timers fire and is due by then fires in the same advance, in its turn", () => {
    const { timers, fire } = over();
    timers.set("", "k", 10);
    timers.set("", "k", 12);
    const fired = fire(20, (timeMs) => {
      if (timeMs !== 10) return;
      for (const next of [5, 11, 20, 21]) timers.set("", "k", next);
    });
    expect(fired.map(([timeMs]) => timeMs)).toEqual([10, 5, 11, 12, 20]);
    expect(timers.nextMs()).toBe(21);
  });

  test("a timer that another one deletes while both are due does not fire", () => {
    const { timers, fire } = over();
    timers.set("", "k", 10);
    timers.set("", "k", 12);
    expect(fire(20, () => timers.delete("", "k", 12)).length).toBe(1);
  });

  test("a timer may set itself again while it fires", () => {
    const { timers, fire } = over();
    timers.set("", "k", 10);
    let left = 3;
    const nths: number[] = [];
    timers.advance(10, (namespace, key, timeMs, nth) => {
      nths.push(nth);
      if (left-- > 0) timers.set(namespace, key, timeMs);
    });
    expect(nths).toEqual([0, 1, 2, 3]);
    expect(fire(10)).toEqual([]);
  });

  test("timers that set each other without end while they are due are refused with a sentence", () => {
    const { timers, fire } = over();
    timers.set("", "k", 10);
    expect(() => fire(10, () => timers.set("", "k", 10))).toThrow(/a timer sets another one that is due at once/);
  });

  test("more timers of a key than share a cell are there all the same", () => {
    const { timers, fire, state } = over();
    const times = Array.from({ length: 100 }, (_, i) => (i * 37) % 100);
    for (let i = 0; i < 2; i++) for (const timeMs of times) timers.set(7, "k", timeMs);
    expect(fire(49).length).toBe(50);
    const again = over(restarted(state));
    expect(again.timers.nextMs()).toBe(50);
    again.timers.delete(7, "k", 60);
    again.timers.delete(7, "k", 99);
    expect(again.fire(1_000).map(([timeMs]) => timeMs)).toEqual(
      Array.from({ length: 49 }, (_, i) => 50 + i).filter((timeMs) => timeMs !== 60),
    );
    expect(again.state.size).toBe(0);
  });

  test("setting a timer of a key with many changes no more than its own cell", () => {
    const { timers, state } = over();
    for (let i = 0; i < 1_000; i++) timers.set("", "k", i);
    state.takeChanges();
    timers.set("", "k", 5_000);
    expect(JSON.stringify(state.takeChanges().changes).length).toBeLessThan(100);
  });

  test("a timer that is moved again and again leaves nothing behind", () => {
    const { timers, fire, state } = over();
    timers.set("", "k", 0);
    expect(fire(-1)).toEqual([]);
    for (let i = 0; i < 10_000; i++) {
      timers.delete("", "k", i);
      timers.set("", "k", i + 1);
    }
    expect(state.size).toBe(1);
    expect(fire(20_000)).toEqual([[10_000, "", "k"]]);
  });

  test("random sets, deletions, advances and restarts do what a sorted list does", () => {
    const at = {
      namespace: fc.constantFrom<Namespace>("", "x", 3),
      key: fc.constantFrom("a", "b"),
      timeMs: fc.nat(60),
    };
    const call = fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant("set" as const), ...at }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), ...at }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant("advance" as const),
          toMs: fc.nat(60),
          sets: fc.array(fc.record(at), { maxLength: 2 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), level: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("next" as const) }) },
    );
    fc.assert(
      fc.property(fc.array(call, { maxLength: 120 }), (calls) => {
        let { state, timers } = over();
        let list: Fired[] = [];
        const has = (fired: Fired) => list.some((other) => isSame(other, fired));
        const put = (fired: Fired) => {
          if (!has(fired)) list.push(fired);
        };
        for (const call of calls) {
          switch (call.kind) {
            case "set":
              timers.set(call.namespace, call.key, call.timeMs);
              put([call.timeMs, call.namespace, call.key]);
              break;
            case "delete":
              timers.delete(call.namespace, call.key, call.timeMs);
              list = list.filter((other) => !isSame(other, [call.timeMs, call.namespace, call.key]));
              break;
            case "advance": {
              const fired: Fired[] = [];
              const todo = [...call.sets];
              timers.advance(call.toMs, (namespace, key, timeMs) => {
                fired.push([timeMs, namespace, key]);
                const next = todo.pop();
                if (next !== undefined) timers.set(next.namespace, next.key, next.timeMs);
              });
              const expected: Fired[] = [];
              const left = [...call.sets];
              for (;;) {
                list.sort(compare);
                const first = list[0];
                if (first === undefined || first[0] > call.toMs) break;
                list.shift();
                expected.push(first);
                const next = left.pop();
                if (next !== undefined) put([next.timeMs, next.namespace, next.key]);
              }
              expect(fired).toEqual(expected);
              break;
            }
            case "restart": {
              const copy = restarted(state);
              copy.level = call.level;
              ({ state, timers } = over(copy));
              break;
            }
            case "next":
              expect(timers.nextMs()).toBe(Math.min(Number.POSITIVE_INFINITY, ...list.map(([timeMs]) => timeMs)));
              break;
            default:
              call satisfies never;
          }
          for (const fired of list) expect(timers.has(fired[1], fired[2], fired[0])).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

function isSame(a: Fired, b: Fired): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
}

function compare(a: Fired, b: Fired): number {
  if (a[0] !== b[0]) return a[0] - b[0];
  const order = (namespace: Namespace) => (typeof namespace === "number" ? `0${namespace}` : `1${namespace}`);
  if (a[1] !== b[1]) return order(a[1]) < order(b[1]) ? -1 : 1;
  return a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0;
}
