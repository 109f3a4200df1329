/** A deployed operator that asks the outside: where its settings come from, and what the end of an invocation does. */

import { json, operator, seconds, setting, stream, text, topic } from "millrace";
import { beforeEach, expect, test } from "vitest";
import { buildTopology } from "../../lib/stream/topology.ts";
import { LambdaWorld } from "./lambda-world.ts";

const words = topic("words", { value: text(), partitions: 1 });
const answers = topic("answers", { value: json<string>(), partitions: 1 });

let isSilent = false;
const ask = operator(
  "ask",
  stream(words)
    .mapAsync({
      uses: { greeting: setting("GREETING_WORD") },
      open: ({ greeting }) => greeting,
      call: async (word, { client }) => (isSilent ? new Promise<string>(() => {}) : `${client} ${word}`),
      timeout: seconds(600),
    })
    .to(answers),
);

let world: LambdaWorld;

beforeEach(async () => {
  isSilent = false;
  world = new LambdaWorld();
  await world.broker.ensureTopics(buildTopology("shop", [ask.definition]).topics);
});

test("its settings are those of the environment, and a missing one fails the invocation", async () => {
  const runtime = world.environment(ask);
  await world.produce("words", 0, ["you"]);
  await expect(world.deliver(runtime, "words")).rejects.toThrow("the setting GREETING_WORD is missing");
  world.variables = { GREETING_WORD: "hello" };
  await world.deliver(world.environment(ask), "words", true);
  expect(await world.read("answers")).toEqual(["hello you"]);
});

test("its calls end before the invocation does, and the batch comes again", async () => {
  world.variables = { GREETING_WORD: "hello" };
  world.remainingMs = 50;
  const runtime = world.environment(ask);
  await world.produce("words", 0, ["you"]);
  isSilent = true;
  await expect(world.deliver(runtime, "words")).rejects.toThrow("when the invocation's time was nearly over");
  isSilent = false;
  await world.deliver(runtime, "words", true);
  expect(await world.read("answers")).toEqual(["hello you"]);
});
