/** Wake-ups: who is called when, whatever order the wishes come in. */

import { describe, expect, test } from "vitest";
import { WakeUps } from "../../lib/local/wake-ups.ts";
import { VirtualClock } from "../../lib/simulation/virtual-clock.ts";

async function started() {
  const clock = new VirtualClock();
  const calls: string[] = [];
  const wakeUps = new WakeUps<string>(clock, async (task) => {
    calls.push(`${task} at ${clock.now()}`);
  });
  const running = wakeUps.run();
  await clock.advance(0);
  return { clock, calls, wakeUps, running };
}

describe("wake-ups", () => {
  test("each task is called once, at the time it asked for, the soonest first", async () => {
    const { clock, calls, wakeUps } = await started();
    wakeUps.set("b", "b", 200, 1);
    wakeUps.set("a", "a", 100, 1);
    await clock.advance(1_000);
    expect(calls).toEqual(["a at 100", "b at 200"]);
    expect(wakeUps.nextAtMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test("a newer commit's wish replaces an older one's, earlier or later or none", async () => {
    const { clock, calls, wakeUps } = await started();
    wakeUps.set("a", "a", 100, 1);
    wakeUps.set("a", "a", 300, 2);
    wakeUps.set("b", "b", 100, 1);
    wakeUps.set("b", "b", null, 2);
    await clock.advance(1_000);
    expect(calls).toEqual(["a at 300"]);
  });

  test("what a zombie asks for late, as of an older commit, is ignored", async () => {
    const { clock, calls, wakeUps } = await started();
    wakeUps.set("a", "a", 100, 7);
    wakeUps.set("a", "a", null, 6);
    wakeUps.set("a", "a", 900, 6);
    await clock.advance(150);
    expect(calls).toEqual(["a at 100"]);
    wakeUps.set("a", "a", 200, 6);
    await clock.advance(1_000);
    expect(calls).toEqual(["a at 100"]);
  });

  test("a call by a time comes then at the latest, and not instead of an earlier wish", async () => {
    const { clock, calls, wakeUps } = await started();
    wakeUps.set("a", "a", 100, 1);
    wakeUps.callBy("a", "a", 500);
    wakeUps.set("b", "b", 900, 1);
    wakeUps.callBy("b", "b", 500);
    wakeUps.callBy("c", "c", 500);
    await clock.advance(600);
    expect(calls).toEqual(["a at 100", "b at 500", "c at 500"]);
  });

  test("a task that fails again and again is called ever more seldom, however often it asks to be called at once", async () => {
    const { clock, calls, wakeUps } = await started();
    for (let failure = 1; failure <= 3; failure++) {
      wakeUps.retry("a", "a");
      wakeUps.set("a", "a", 0, failure);
      await clock.advance(100);
      expect(calls).toHaveLength(failure - 1);
      await clock.advance(10_000);
      expect(calls).toHaveLength(failure);
    }
    expect(calls).toEqual(["a at 200", "a at 10500", "a at 21000"]);
    wakeUps.succeeded("a");
    wakeUps.set("a", "a", 0, 4);
    await clock.advance(1);
    expect(calls).toHaveLength(4);
  });

  test("who failed is called again soon, although its wish is far away or long past", async () => {
    const { clock, calls, wakeUps } = await started();
    for (const [name, atMs] of [
      ["far", 3_600_000],
      ["past", 0],
    ] as const) {
      wakeUps.set(name, name, 100, 1);
      await clock.advance(100);
      wakeUps.set(name, name, atMs, 2);
      wakeUps.retry(name, name);
      await clock.advance(100);
      expect(calls.length).toBe(1);
      await clock.advance(200);
      expect(calls.splice(0).length).toBe(2);
    }
  });

  test("a task that failed counts as due until it has succeeded, so that nobody takes a long wait for rest", async () => {
    const { clock, wakeUps } = await started();
    for (let failure = 1; failure <= 10; failure++) {
      wakeUps.retry("a", "a");
      expect(wakeUps.nextAtMs()).toBe(Number.NEGATIVE_INFINITY);
      await clock.advance(30_000);
    }
    wakeUps.succeeded("a");
    expect(wakeUps.nextAtMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test("what a zombie wishes does not cancel the call that follows its failure", async () => {
    const { clock, calls, wakeUps } = await started();
    wakeUps.retry("a", "a");
    wakeUps.set("a", "a", null, 2);
    await clock.advance(1_000);
    expect(calls).toEqual(["a at 200"]);
    wakeUps.succeeded("a");
    wakeUps.set("a", "a", null, 2);
    await clock.advance(100_000);
    expect(calls).toHaveLength(1);
  });

  test("a far time is not forgotten, and stopping ends the waiting", async () => {
    const { clock, calls, wakeUps, running } = await started();
    wakeUps.set("a", "a", 1_000_000, 1);
    await clock.advance(1_000_000);
    expect(calls).toEqual(["a at 1000000"]);
    wakeUps.stop();
    await running;
  });

  test("stopping does not wait for ever for a call that hangs", async () => {
    const clock = new VirtualClock();
    const wakeUps = new WakeUps<string>(clock, () => new Promise(() => {}));
    const running = wakeUps.run();
    wakeUps.callBy("a", "a", 0);
    await clock.advance(1);
    wakeUps.stop();
    await clock.advance(60_000);
    await running;
  });
});
