/** What a timer costs, set and fired and committed, and what a task pays for those that only wait. */

import { Timers } from "../lib/operators/timers.ts";
import { KeyedState } from "../lib/state/keyed-state.ts";
import { shuffleFunction } from "./count-views.ts";
import { measure, type Timing } from "./measure.ts";
import { countInState, countWithTimers } from "./operators.ts";
import type { ProgressOf, Row, Section } from "./section.ts";

const ROUNDS = 7;
const BATCH = 1_000;
const BATCHES = 100;
const KEYS = 10_000;
const WAITING = 1_000_000;

const overTables = (state: KeyedState) => new Timers((suffix) => state.table(`by-key/process/${suffix}`), "event");

/** Sets the timers of batch after batch, each to fire two batches later, beside those that wait; a commit takes the changes of each batch. */
function setAndFire(name: string, waiting: number) {
  const state = new KeyedState(128);
  const timers = overTables(state);
  for (let i = 0; i < waiting; i++) timers.set("", `waiting-${i}`, 1e15 + i);
  state.takeChanges();
  let nowMs = 0;
  let fired = 0;
  const run = () => {
    for (let batch = 0; batch < BATCHES; batch++) {
      for (let i = 0; i < BATCH; i++) timers.set("", `key-${(nowMs + i) % KEYS}`, nowMs + 2 * BATCH + i);
      nowMs += BATCH;
      timers.advance(nowMs, () => {
        fired++;
      });
      state.takeChanges();
    }
    if (fired === 0) throw new Error("No timer fired.");
  };
  return { name, records: BATCH * BATCHES, run };
}

/** The first look at the timers of a task that was just opened. */
function findEarliest(name: string) {
  const state = new KeyedState(128);
  const before = overTables(state);
  for (let i = 0; i < WAITING; i++) before.set("", `waiting-${i}`, 1e12 + i);
  const run = () => {
    if (overTables(state).nextMs() !== 1e12) throw new Error("Another timer is the earliest.");
  };
  return { name, records: WAITING, run };
}

export async function timers(progressOf: ProgressOf): Promise<Section> {
  const timings = await measure(
    [
      await shuffleFunction("process function with a counter, behind a shuffle", countInState, KEYS, BATCH),
      await shuffleFunction("the same with a timer for each element", countWithTimers, KEYS, BATCH),
      setAndFire("timers alone: set, fired, taken by a commit", 0),
      setAndFire("the same while 1,000,000 others wait", WAITING),
      findEarliest("finding the earliest of 1,000,000 in a task just opened, each"),
    ],
    ROUNDS,
    progressOf("timers"),
  );
  const [without, with_] = timings as [Timing, Timing];
  const rows = [
    ...timings,
    { ...with_, name: "a timer set and fired: the difference", cpuUs: with_.cpuUs - without.cpuUs },
  ];
  return { title: `timers, ${KEYS.toLocaleString("en")} keys, CPU time of each`, rows: rows.map(toRow) };
}

function toRow({ name, cpuUs }: Timing): Row {
  return {
    what: name,
    figure: `${cpuUs.toFixed(cpuUs < 0.1 ? 3 : 2)} µs`,
    value: cpuUs,
    unit: "µs",
    ...(name.startsWith("a timer") && { target: "≤ 3 µs" }),
  };
}
