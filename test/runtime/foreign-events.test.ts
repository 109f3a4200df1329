/** A handler that is invoked with what is not meant for it says so in a sentence. */

import { json, operator, stream, text, topic } from "millrace";
import { describe, expect, test } from "vitest";
import type { KafkaEvent, TickEvent } from "../../lib/wire/lambda-event.ts";
import { toEvent } from "../wire/event-records.ts";
import { World } from "./environments.ts";

const words = topic("words", { key: text(), value: text() });
const totals = topic("totals", { value: json<number>() });
const counting = operator(
  "counting",
  stream(words)
    .keyedByTopicKey()
    .count()
    .to(totals.from(({ value }) => value)),
);

const environment = async () => (await new World([counting]).createTopics()).environment();

describe("a handler", () => {
  test.each([
    ["nothing", undefined],
    ["an SQS event", { Records: [{ eventSource: "aws:sqs", body: "{}" }] }],
    ["a schedule's event", { source: "aws.events", "detail-type": "Scheduled Event" }],
    ["text that is no JSON", "hello"],
  ])("that gets %s says that it is not a Kafka event", async (_, event) => {
    const invoked = (await environment()).invoke("words", event as unknown as KafkaEvent);
    await expect(invoked).rejects.toThrow(/is not a Kafka event: .* Is its trigger a Kafka event source mapping\?$/);
  });

  test("that gets records of another topic says how it is wired", async () => {
    const invoked = (await environment()).invoke("words", toEvent({ "strangers-0": [{ value: "x" }] }));
    await expect(invoked).rejects.toThrow(
      "Operator counting was invoked with records of topic strangers, which it does not read: its event source mapping is wired to another function's topic.",
    );
  });

  test("that gets a tick for another topic says the same", async () => {
    const tick: TickEvent = {
      eventSource: "millrace:tick",
      functionName: "counting",
      tasks: [{ topic: "strangers", partition: 0 }],
    };
    await expect((await environment()).invoke("words", tick)).rejects.toThrow("records of topic strangers");
  });

  test("that gets a tick for a good and for a foreign topic looks at the good one", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", { key: "k", value: "a" });
    const tick: TickEvent = {
      eventSource: "millrace:tick",
      functionName: "counting",
      tasks: ["words", "strangers", "others"].map((topic) => ({ topic, partition: 0 })),
    };
    await expect(world.environment().invoke("words", tick)).rejects.toThrow(
      /records of topic strangers.* \(and 1 more partition of this batch failed\)$/,
    );
    expect((await world.log.tasks()).map(({ task }) => task)).toEqual([expect.stringContaining("/counting/words-0/")]);
  });

  test("that gets records of a good and of a foreign topic processes the good ones", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", { key: "k", value: "a" });
    const event = toEvent({ "words-0": [{ key: "k", value: "a" }], "strangers-0": [{ value: "x" }] });
    await expect(world.environment().invoke("words", event)).rejects.toThrow("records of topic strangers");
    expect(await world.texts("totals")).toEqual(["1"]);
  });

  test("that gets a record with one of Kafka's largest timestamps sets that one aside", async () => {
    const world = await new World([counting]).createTopics();
    const far = { key: "k", value: "far", timestamp: 2 ** 63 };
    await world.environment().invoke("words", toEvent({ "words-0": [far, { key: "k", value: "a" }] }));
    expect(await world.texts("totals")).toEqual(["1"]);
    expect(await world.texts("counting--dead-letters")).toEqual(["far"]);
  });

  test("that runs without Millrace around it says how to run it", async () => {
    const context = { awsRequestId: "1", functionName: "counting", getRemainingTimeInMillis: () => 1_000 };
    await expect(counting(toEvent({}), context)).rejects.toThrow(
      /^Operator counting was invoked without a Millrace runtime around it: run it with `millrace run`/,
    );
  });

  test("that gets an event without records has nothing to do", async () => {
    expect(await (await environment()).invoke("words", toEvent({}))).toEqual({ batchItemFailures: [] });
    expect(await (await environment()).invoke("words", toEvent({ "words-0": [] }))).toEqual({ batchItemFailures: [] });
  });
});
