/** What a timer costs, set and fired and committed, and what a task pays for those that only wait. */

import { Timers } from "../lib/operators/timers.ts";
import { KeyedState } from "../lib/state/keyed-state.ts";
import { measure } from "./measure.ts";
import type { ProgressOf, Row, Section } from "./section.ts";

const ROUNDS = 7;
const BATCH = 1_000;
const BATCHES = 100;

/** Sets the timers of batch after batch, each to fire two batches later, beside those that wait; a commit takes the changes of each batch. */
function setAndFire(keys: number, waiting: number) {
  const state = new KeyedState(128);
  const timers = new Timers((suffix) => state.table(`by-key/step/${suffix}`), "event");
  for (let i = 0; i < waiting; i++) timers.set("", `waiting-${i}`, 1e15 + i);
  let nowMs = 0;
  let fired = 0;
  return () => {
    for (let batch = 0; batch < BATCHES; batch++) {
      for (let i = 0; i < BATCH; i++) timers.set("", `key-${(nowMs + i) % keys}`, nowMs + 2 * BATCH + i);
      nowMs += BATCH;
      timers.advance(nowMs, () => {
        fired++;
      });
      state.takeChanges();
    }
    if (fired === 0) throw new Error("No timer fired.");
  };
}

/** The first look at the timers of a task that was just opened. */
function openWith(waiting: number) {
  const state = new KeyedState(128);
  const before = new Timers((suffix) => state.table(`by-key/step/${suffix}`), "event");
  for (let i = 0; i < waiting; i++) before.set("", `waiting-${i}`, 1e12 + i);
  return () => new Timers((suffix) => state.table(`by-key/step/${suffix}`), "event").nextMs();
}

export async function timers(progressOf: ProgressOf): Promise<Section> {
  const of = { records: BATCH * BATCHES };
  const timings = await measure(
    [
      { name: "set, fired and taken by a commit, 10,000 keys", ...of, run: setAndFire(10_000, 0) },
      { name: "the same, while 1,000,000 others wait", ...of, run: setAndFire(10_000, 1_000_000) },
      { name: "finding the earliest of 1,000,000 in an opened task, each", records: 1_000_000, run: () => void open() },
    ],
    ROUNDS,
    progressOf("timers"),
  );
  const rows = timings.map(
    ({ name, cpuUs }): Row => ({
      what: name,
      figure: `${cpuUs.toFixed(cpuUs < 0.1 ? 3 : 2)} µs`,
      value: cpuUs,
      unit: "µs",
      ...(name.startsWith("set") && { target: "3 µs, and no more than" }),
    }),
  );
  return { title: "timers, CPU time of each", rows };
}

const open = openWith(1_000_000);
