/** What a task asks the clock for: it must reach whoever wakes it, whatever dies between the commit and the asking. */

import { boundedOutOfOrderness, json, milliseconds, operator, stream, text, topic, tumbling } from "millrace";
import { expect, test } from "vitest";
import { OneTask } from "./one-task.ts";

const IDLE_AFTER_MS = 1_000;

const events = topic("events", {
  key: text(),
  value: json<number>(),
  watermark: boundedOutOfOrderness(milliseconds(0), { idleAfter: milliseconds(IDLE_AFTER_MS) }),
});
const counts = topic("counts", { value: json<number>() });
const counting = operator(
  "counting",
  stream(events)
    .keyedByTopicKey()
    .window(tumbling(milliseconds(10)))
    .count()
    .to(counts.from(({ value }) => value)),
);

const event = { key: "a", value: 1, timestampMs: 5_000 };
/** When the partition is idle, if nothing comes. */
const WISH = `${IDLE_AFTER_MS + 1}@1`;

test("a commit asks for its tick", async () => {
  const task = await new OneTask(counting).begin();
  await task.send([event]);
  expect(task.wishes).toEqual([WISH]);
});

test("a batch that is delivered again after its writer died asks for what its commit wished", async () => {
  const task = await new OneTask(counting).begin();
  task.diesAtNextPut = true;
  await expect(task.send([event])).rejects.toThrow("died");
  expect(task.wishes).toEqual([]);
  task.restart();
  await task.sendAgain();
  expect(task.wishes).toEqual([WISH]);
});

test("a tick that is called again after its writer died asks for what its commit wished", async () => {
  const task = await new OneTask(counting).begin();
  await task.send([event]);
  await task.send([{ ...event, timestampMs: 20_000 }]);
  task.nowMs = 40_000;
  task.wishes.length = 0;
  task.diesAtNextPut = true;
  await expect(task.tick()).rejects.toThrow("died");
  task.restart();
  await task.tick();
  const head = (await task.open()).head;
  expect(task.wishes.at(-1)).toBe(`${head?.wakeAtMs}@${head?.sequenceNumber}`);
  expect(head?.sequenceNumber).toBe(3);
});
