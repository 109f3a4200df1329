/** Wake-ups: whoever leaves work that a clock must finish asks for a tick, and whoever finds the work done asks again. */

import { boundedOutOfOrderness, json, milliseconds, operator, seconds, stream, text, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { World } from "./environments.ts";

const clicks = topic("clicks", {
  key: text(),
  value: text(),
  watermark: boundedOutOfOrderness(seconds(2), { idleAfter: seconds(3) }),
});
const totals = topic("totals", { value: json<number>() });
const keyed = stream(clicks).keyedByTopicKey();

const inEventTime = operator(
  "windows",
  keyed
    .window(tumbling(seconds(5)))
    .count()
    .to(totals.from(({ value }) => value)),
);
const inProcessingTime = operator(
  "windows",
  keyed
    .window(tumbling(seconds(5), { time: "processing" }))
    .count()
    .to(totals.from(({ value }) => value)),
);

const BASE_MS = 1_000_000;

async function worldOf(windows: typeof inEventTime): Promise<World> {
  const world = await new World([windows]).createTopics();
  world.nowMs = BASE_MS;
  await world.write("clicks", { key: "k", value: "a", timestampMs: BASE_MS });
  return world;
}

describe("a task with an open window", () => {
  test("asks to be looked at when its input may be idle, and then when the clock reaches the window's end", async () => {
    const world = await worldOf(inEventTime);
    const environment = world.environment();
    await environment.deliver("clicks", 0);
    expect(world.wakes).toEqual([["windows", BASE_MS + 3_001]]);
    world.nowMs = BASE_MS + 3_001;
    await environment.tick("clicks");
    // The end is at BASE + 5 s, and the watermark follows two seconds behind the clock.
    expect(world.wakes.at(-1)).toEqual(["windows", BASE_MS + 7_000]);
    world.nowMs = BASE_MS + 7_000;
    await environment.tick("clicks");
    expect(await world.texts("totals")).toEqual(["1"]);
    expect(world.wakes.at(-1)).toEqual(["windows", null]);
  });

  test("in processing time asks for the end of the window", async () => {
    const world = await worldOf(inProcessingTime);
    await world.environment().deliver("clicks", 0);
    expect(world.wakes.at(-1)?.[1]).toBe(BASE_MS + 3_001);
    world.nowMs = BASE_MS + 3_001;
    await world.environment().tick("clicks");
    expect(world.wakes.at(-1)).toEqual(["windows", BASE_MS + 5_000]);
  });

  test("that is ticked too early or twice changes nothing, commits nothing, and asks again", async () => {
    const world = await worldOf(inEventTime);
    const environment = world.environment();
    await environment.deliver("clicks", 0);
    world.nowMs += 1_000;
    for (let i = 0; i < 3; i++) await environment.tick("clicks");
    expect(await world.head("clicks")).toBe(1);
    expect(world.wakes.at(-1)).toEqual(["windows", BASE_MS + 3_001]);
  });
});

describe("a wake-up that was lost with its environment", () => {
  test("is asked for by whoever is given the batch again", async () => {
    const world = await worldOf(inEventTime);
    await world.environment().deliver("clicks", 0);
    world.wakes.length = 0;
    await world.environment().deliver("clicks", 0);
    expect(world.wakes).toEqual([["windows", BASE_MS + 3_001]]);
  });

  test("stands in the log as well, for whoever looks for what is overdue", async () => {
    const world = await worldOf(inEventTime);
    await world.environment().deliver("clicks", 0);
    expect((await world.log.tasks()).map(({ wakeAtMs }) => wakeAtMs)).toEqual([BASE_MS + 3_001]);
  });
});

describe("the clock of a task", () => {
  test("never goes back, whatever the machine's says", async () => {
    const out = topic("out", { value: json<number>() });
    const clocked = operator(
      "clocked",
      keyed
        .map((_, ctx) => ctx.processingTimeMs)
        .count()
        .to(out.from(({ value }) => value)),
      keyed.map((_, ctx) => ctx.processingTimeMs).to(out),
    );
    const world = await new World([clocked]).createTopics();
    await world.write("clicks", { key: "k", value: "a" }, { key: "k", value: "b" });
    world.nowMs = BASE_MS;
    await world.environment().deliver("clicks", 0, 1);
    world.nowMs = BASE_MS - milliseconds(50_000);
    await world.environment().deliver("clicks", 1);
    const times = (await world.texts("out")).map(Number).filter((n) => n > 2);
    expect(new Set(times)).toEqual(new Set([BASE_MS]));
  });
});
