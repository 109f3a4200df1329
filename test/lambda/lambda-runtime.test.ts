/** A deployed operator: events of mappings, the queue and the schedule, names of topics in Kafka, and what an invocation leaves behind. */

import { boundedOutOfOrderness, json, minutes, operator, seconds, stream, text, topic, tumbling } from "millrace";
import { beforeEach, describe, expect, test } from "vitest";
import { needsClock } from "../../lib/stream/needs-clock.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { LambdaWorld, queueEvent } from "./lambda-world.ts";

const lines = topic("lines", {
  value: text(),
  watermark: boundedOutOfOrderness(seconds(1), { idleAfter: seconds(5), whenIdle: "follow-clock" }),
  partitions: 2,
});
const counts = topic("counts", { key: text(), value: json<{ word: string; count: number }>(), partitions: 1 });
const shouted = topic("shouted", { value: json<string>(), partitions: 1, external: true });

const count = operator(
  "count",
  stream(lines)
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word)
    .window(tumbling(minutes(1)))
    .count()
    .to(counts.from(({ key, value }) => ({ word: key, count: value }))),
);
const shout = operator(
  "shout",
  stream(counts)
    .map(({ word }) => word.toUpperCase())
    .to(shouted),
);

let world: LambdaWorld;

beforeEach(async () => {
  world = new LambdaWorld();
  const topics = buildTopology("shop", [count.definition, shout.definition]).topics;
  await world.broker.ensureTopics(
    topics.map((spec) => ({ ...spec, name: spec.external ? spec.name : `dev.${spec.name}` })),
  );
});

describe("an application with a prefix", () => {
  test("counts words from its mappings and its queue alone, and names its topics so in Kafka", async () => {
    const runtime = world.environment(count, { topicPrefix: "dev." });
    await world.produce("dev.lines", 0, ["to be", "or not to be"]);
    await world.deliver(runtime, "dev.lines");
    await world.deliver(runtime, "dev.count--by-key");
    expect(await world.read("dev.counts")).toEqual([]);
    // That nothing ever came to the other partition, the schedule tells.
    const empty = [{ topic: "lines", partition: 1 }];
    await runtime.handle({ eventSource: "millrace:tick", functionName: "count", tasks: empty });
    // Silence, then the end of the window, reach the functions by messages only.
    for (let round = 0; round < 10 && (await world.read("dev.counts")).length === 0; round++) {
      await world.wake(runtime);
      await world.deliver(runtime, "dev.count--by-key");
    }
    expect(await world.read("dev.counts")).toEqual(
      expect.arrayContaining([
        { word: "to", count: 2 },
        { word: "be", count: 2 },
        { word: "or", count: 1 },
        { word: "not", count: 1 },
      ]),
    );
    expect((await world.stateLog.tasks()).map(({ task }) => task)).toContain("shop/count/lines-0/0");
  });

  test("writes topics of others under their own names", async () => {
    const runtime = world.environment(shout, { topicPrefix: "dev.", writtenElsewhere: ["counts"] });
    await world.produce("dev.counts", 0, ['{"word":"be","count":2}']);
    await world.deliver(runtime, "dev.counts");
    expect(await world.read("shouted")).toEqual(["BE"]);
  });
});

test("a function that reads what another operator writes keeps a log, as its topology says at synthesis", async () => {
  const whole = buildTopology("shop", [count.definition, shout.definition]);
  const alone = buildTopology("shop", [shout.definition], undefined, ["counts"]);
  expect(alone.functions).toEqual(whole.functions.filter(({ name }) => name === "shout"));
  expect(alone.functions[0]?.commits).toBe(true);
});

describe("wake-ups", () => {
  test("of many commits are one message, until it has arrived", async () => {
    const runtime = world.environment(count, { topicPrefix: "dev." });
    for (let i = 0; i < 5; i++) {
      await world.produce("dev.lines", 0, ["be"]);
      await world.deliver(runtime, "dev.lines");
      world.nowMs += 100;
    }
    expect(world.messages).toHaveLength(1);
    await world.wake(runtime);
    await world.produce("dev.lines", 0, ["be"]);
    await world.deliver(runtime, "dev.lines");
    expect(world.messages).toHaveLength(1);
  });

  test("that cannot be sent fail no invocation, and are sent with the next one", async () => {
    const runtime = world.environment(count, { topicPrefix: "dev." });
    world.queueFails = true;
    await world.produce("dev.lines", 0, ["be"]);
    await world.deliver(runtime, "dev.lines");
    expect(world.lines.some((line) => line.includes("the queue is away"))).toBe(true);
    world.queueFails = false;
    await world.produce("dev.lines", 0, ["be"]);
    await world.deliver(runtime, "dev.lines");
    expect(world.messages).toHaveLength(1);
  });

  test("that come before their time go round again and tick nothing", async () => {
    const runtime = world.environment(count, { topicPrefix: "dev." });
    const place = { functionName: "count", topic: "lines", partition: 0 };
    await runtime.handle(queueEvent([JSON.stringify({ ...place, atMs: world.nowMs + 3_600_000 })]));
    expect(world.messages).toEqual([
      { body: JSON.stringify({ ...place, atMs: world.nowMs + 3_600_000 }), delayS: 900 },
    ]);
    expect(await world.stateLog.tasks()).toEqual([]);
  });

  test("of another environment's tasks are taken too: its commits are in the log", async () => {
    const first = world.environment(count, { topicPrefix: "dev." });
    await world.produce("dev.lines", 0, ["be"]);
    await world.deliver(first, "dev.lines");
    const second = world.environment(count, { topicPrefix: "dev." });
    await world.wake(second);
    const [task] = (await world.stateLog.tasks()).filter(({ task }) => task === "shop/count/lines-0/0");
    expect(task?.sequenceNumber).toBe(2);
  });

  test("what is no message of ours is ignored", async () => {
    const runtime = world.environment(count, { topicPrefix: "dev." });
    expect(await runtime.handle(queueEvent(["{}", "no JSON", "null"]))).toEqual({ batchItemFailures: [] });
  });
});

test("the schedule's event ticks all tasks it names", async () => {
  const runtime = world.environment(count, { topicPrefix: "dev." });
  const tasks = [0, 1].map((partition) => ({ topic: "lines", partition }));
  await runtime.handle({ eventSource: "millrace:tick", functionName: "count", tasks });
  expect((await world.stateLog.tasks()).map(({ task }) => task)).toEqual([
    "shop/count/lines-0/0",
    "shop/count/lines-1/0",
  ]);
});

test("functions need a clock where silence, timers or time to live matter, and only there", () => {
  const { functions } = buildTopology("shop", [count.definition, shout.definition]);
  expect(functions.map((plan) => [plan.name, needsClock(plan)])).toEqual([
    ["count", true],
    ["count--by-key", true],
    ["shout", false],
  ]);
});
