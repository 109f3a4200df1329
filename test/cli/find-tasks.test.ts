/** What is seen of tasks without opening them: how far their time is behind the clock, and who holds it back. */

import { expect, test } from "vitest";
import { findTasks } from "../../lib/cli/find-tasks.ts";
import { encodeMeta, newMeta, type TaskMeta } from "../../lib/runtime/task-meta.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";

/** The only task of a log, which left this meta. */
async function seen(meta: TaskMeta) {
  const log = new MemoryStateLog();
  await log.putEntry("shop/count--by-key/count--by-key-0/0", {
    sequenceNumber: 1,
    attemptId: "a",
    previousAttemptId: "",
    base: 0,
    covered: 0,
    layout: 1,
    selfContained: true,
    meta: encodeMeta(meta),
    changes: new Uint8Array(0),
    outputs: new Uint8Array(0),
    wakeAtMs: null,
  });
  const [task] = await findTasks(log, 10_000);
  return task;
}

function metaOf(inputs: Readonly<Record<string, { watermarkMs: number; idle?: true; aligned?: false }>>): TaskMeta {
  const meta = newMeta(Object.keys(inputs), 0);
  for (const [name, input] of Object.entries(inputs)) Object.assign(meta.upstream.get(name) as object, input);
  return meta;
}

test("the lag is how far the watermark is behind the clock, and the slowest active upstream task holds it back", async () => {
  const meta = metaOf({
    "count/lines-0": { watermarkMs: 8_000 },
    "count/lines-1": { watermarkMs: 7_000 },
    "count/lines-2": { watermarkMs: 1_000, idle: true, aligned: false },
    "count/lines-3": { watermarkMs: 2_000, aligned: false },
  });
  meta.watermarkMs = 7_000;
  meta.totals.future = 2;
  expect(await seen(meta)).toMatchObject({
    watermarkMs: 7_000,
    lagMs: 3_000,
    heldBackBy: ["count/lines-1"],
    future: 2,
  });
  expect((await seen(meta))?.upstream).toEqual([
    { task: "count/lines-2", watermarkMs: 1_000, idle: true, aligned: false },
    { task: "count/lines-3", watermarkMs: 2_000, idle: false, aligned: false },
    { task: "count/lines-1", watermarkMs: 7_000, idle: false, aligned: true },
    { task: "count/lines-0", watermarkMs: 8_000, idle: false, aligned: true },
  ]);
});

test("there is no lag without a watermark, and who was never heard of holds it back", async () => {
  const meta = metaOf({ "count/lines-0": { watermarkMs: 8_000 }, "count/lines-1": { watermarkMs: -Infinity } });
  expect(await seen(meta)).toMatchObject({ watermarkMs: undefined, lagMs: undefined, heldBackBy: ["count/lines-1"] });
});

test("a watermark that is ahead of the clock has a negative lag", async () => {
  const meta = metaOf({});
  meta.watermarkMs = 12_000;
  expect(await seen(meta)).toMatchObject({ lagMs: -2_000, heldBackBy: [], idle: false });
});
