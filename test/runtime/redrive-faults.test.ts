/** A redrive that is killed at any of its calls, repeated, doubled, and raced by the functions themselves: every dead letter is counted once. */

import { expect, test } from "vitest";
import { type CallFault, createFaults } from "../../lib/simulation/faults.ts";
import { createRandom } from "../../lib/simulation/random.ts";
import { jobsOf, NOW_MS, RedriveWorld, untilDone, type Weather } from "./redrive-world.ts";

/** More of them by hand: MILLRACE_RUNS=2000 npx vitest run test/runtime/redrive-faults.test.ts -t seed */
const SEEDS = Number(process.env.MILLRACE_RUNS ?? 60);
const JOBS = 12;
/** Far more than a redrive makes. */
const CALLS_MAX = 400;
const ONCE = (count: number) => new Array<number>(count).fill(1);

async function brokenWorld(): Promise<RedriveWorld> {
  const world = await new RedriveWorld().begin();
  await world.write(jobsOf(JOBS));
  await world.run(world.process());
  expect((await world.letters()).map(({ length }) => length)).toEqual([3, 6]);
  return world;
}

/** Redrives until nothing waits: what `clean` set aside comes to `sum` before that is asked for its own. */
async function redriveAll(world: RedriveWorld, weather?: Weather): Promise<void> {
  const process = world.process(weather);
  await untilDone(async () => {
    // Who is killed forgets all.
    process.renew();
    await world.redrive(process);
  });
}

test.each<CallFault>(["crash-before", "crash-after", "lost-reply"])(
  "%s at each call of a redrive in turn, which is repeated then: every record is counted once",
  { timeout: 60_000 },
  async (fault) => {
    let calls = 0;
    for (let faultAt = 0; faultAt <= calls && faultAt < CALLS_MAX; faultAt++) {
      const world = await brokenWorld();
      world.isRepaired = true;
      calls = 0;
      await redriveAll(world, { callFault: () => (calls++ === faultAt ? fault : undefined) });
      expect(await world.owing(), `R3: ${fault} at call ${faultAt}`).toEqual([]);
      await world.run(world.process());
      expect(await world.counts(JOBS), `R1: ${fault} at call ${faultAt}`).toEqual(ONCE(JOBS));
      const { survey, outcomes } = await world.redrive(world.process());
      expect(survey.waiting.size).toBe(0);
      expect(survey.before).toBe(9);
      expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(["redriven-before"]));
    }
    expect(calls).toBeGreaterThan(25);
    expect(calls).toBeLessThan(CALLS_MAX);
  },
);

test.each<CallFault>(["crash-before", "crash-after", "lost-reply"])(
  "%s at each call of a redrive that nobody repeats: whoever runs the functions next sends what it left, and loses nothing",
  { timeout: 60_000 },
  async (fault) => {
    let calls = 0;
    for (let faultAt = 0; faultAt <= calls && faultAt < CALLS_MAX; faultAt++) {
      const world = await brokenWorld();
      world.isRepaired = true;
      const before = new Map((await world.owing()).map(({ task, sequenceNumber }) => [task, sequenceNumber]));
      calls = 0;
      await world
        .redrive(world.process({ callFault: () => (calls++ === faultAt ? fault : undefined) }))
        .catch(() => undefined);
      // R3: whoever may owe something has asked to be looked after.
      for (const { task, sequenceNumber, wakeAtMs } of await world.owing())
        if (before.get(task) !== sequenceNumber) expect(wakeAtMs, `${fault} at call ${faultAt}: ${task}`).toBe(NOW_MS);
      const runner = world.process();
      await world.tickAll(runner);
      await world.run(runner);
      const counted = (await world.counts(JOBS)).filter((times) => times === 1).length;
      const { survey } = await world.redrive(world.process());
      expect(counted, `${fault} at call ${faultAt}`).toBe(3 + survey.before);
      await world.run(runner);
      expect(await world.counts(JOBS)).toEqual(ONCE(JOBS));
    }
  },
);

test("what fails again, wherever it is killed, is one new dead letter for each", { timeout: 60_000 }, async () => {
  let calls = 0;
  for (let faultAt = 0; faultAt <= calls && faultAt < CALLS_MAX; faultAt++) {
    const world = await brokenWorld();
    calls = 0;
    await redriveAll(world, { callFault: () => (calls++ === faultAt ? "crash-after" : undefined) });
    const ids = (await world.letters()).map(
      (letters) => new Set(letters.map(({ identity }) => JSON.stringify(identity))),
    );
    // The repeat of a redrive takes those of the first one too, where it comes to them.
    expect(ids[0]?.size).toBeGreaterThanOrEqual(6);
    world.isRepaired = true;
    await redriveAll(world);
    await world.run(world.process());
    expect(await world.counts(JOBS), `call ${faultAt}`).toEqual(ONCE(JOBS));
  }
});

test.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
  "seed %i: two redrives at once, beside functions that go on, all of them failing now and then",
  { timeout: 30_000 },
  async (seed) => {
    const random = createRandom(seed + 1);
    const weatherOf = (): Weather => {
      const faults = createFaults({ seed: Math.floor(random() * 2 ** 31), probability: seed % 3 === 0 ? 0 : 0.8 });
      return {
        callFault: () => faults.callFault(),
        turn: async () => {
          for (let turns = Math.floor(random() * 4); turns > 0; turns--) await new Promise(setImmediate);
        },
      };
    };
    const world = await brokenWorld();
    world.isRepaired = seed % 2 === 0;
    const redriving = async () => {
      const weather = weatherOf();
      const process = world.process(weather);
      await untilDone(async () => {
        if (random() < 0.5) process.renew();
        await world.redrive(process, weather);
      });
    };
    const running = async () => {
      const weather = weatherOf();
      const process = world.process(weather);
      for (let from = JOBS; from < 20; from += 4) {
        await world.write(jobsOf(4, from));
        await world.run(process, weather, 2);
      }
    };
    await Promise.all([redriving(), redriving(), running()]);
    world.isRepaired = true;
    await Promise.all([redriving(), redriving()]);
    await world.run(world.process());
    await redriving();
    await world.run(world.process());
    await redriving();
    await world.run(world.process());
    expect(await world.counts(20)).toEqual(ONCE(20));
  },
);
