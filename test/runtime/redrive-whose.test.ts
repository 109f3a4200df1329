/** Whose a dead letter is: its task's and nobody else's; what cannot be redriven is said, and nothing of it is dropped. */

import { json, monotonic, operator, stream, text, topic } from "millrace";
import { beforeEach, describe, expect, test } from "vitest";
import { readTopic } from "../../lib/local/read-topic.ts";
import { type LetterRecord, redrive } from "../../lib/local/redrive.ts";
import { toDeadLetter } from "../../lib/runtime/dead-letter.ts";
import { openTask } from "../../lib/runtime/open-task.ts";
import { encodeMeta } from "../../lib/runtime/task-meta.ts";
import { toTaskName } from "../../lib/runtime/task-name.ts";
import type { RedriveOutcome, RedriveResponse } from "../../lib/wire/lambda-event.ts";
import { type Environment, World } from "./environments.ts";

let isBroken = true;
beforeEach(() => {
  isBroken = true;
});

const lines = topic("lines", { value: text(), watermark: monotonic() });
const out = topic("out", { value: json<number>() });
const counting = operator(
  "counting",
  stream(lines)
    .map((line) => {
      if (isBroken && line.startsWith("bad")) throw new Error("broken");
      return line.length;
    })
    .keyBy(() => 0)
    .sum((length) => length)
    .to(out.from(({ value }) => value)),
);
const FIRST = "test/counting/lines-0/0:1:0";

async function lettersOf(world: World): Promise<LetterRecord[]> {
  return (await readTopic(world.broker, { topicName: "counting--dead-letters" })) as LetterRecord[];
}

async function redriveAll(
  world: World,
  letters: Iterable<LetterRecord>,
  environment: Environment = world.environment(),
) {
  const outcomes: RedriveOutcome[] = [];
  await redrive(letters, {
    topology: world.topology,
    invoke: async (plan, event) =>
      (await environment.invoke(plan.shuffle?.name ?? "lines", event as never)) as RedriveResponse,
    onBatch: (batch) => outcomes.push(...batch),
  });
  return outcomes;
}

/** A world with dead letters of these lines, and nothing broken any more. */
async function repaired(options: ConstructorParameters<typeof World>[1], ...values: string[]): Promise<World> {
  const world = await new World([counting], options).createTopics();
  await world.write("lines", ...values.map((value) => ({ value })));
  await world.environment().deliver("lines", 0);
  isBroken = false;
  return world;
}

describe("a record that was too large to be copied", () => {
  const MAX = 1_000;
  const large = `bad${"x".repeat(MAX - 3)}`;

  test("is fetched from where it stands", async () => {
    const world = await repaired({ recordBytesMax: MAX }, large);
    const [letter] = await lettersOf(world);
    expect(toDeadLetter(letter as LetterRecord)).toMatchObject({ kind: "record", value: null });
    expect(await redriveAll(world, await lettersOf(world))).toEqual([{ id: FIRST, outcome: "redriven" }]);
    await world.environment().deliver("counting--by-key", 0);
    expect(await world.texts("out")).toEqual([String(MAX)]);
  });

  test("is not possible where the topic does not hold it any more, and stays a dead letter", async () => {
    const world = await repaired({ recordBytesMax: MAX }, large, "good");
    await world.broker.deleteRecords("lines", 0, 1);
    const reason = "it was too large to be copied, and lines-0 does not hold it any more at offset 0";
    const again = [{ id: FIRST, outcome: "impossible", reason }];
    expect(await redriveAll(world, await lettersOf(world))).toEqual(again);
    expect(await redriveAll(world, await lettersOf(world))).toEqual(again);
  });

  test("is not taken for another one of a topic that was created again", async () => {
    const world = await repaired({ recordBytesMax: MAX }, large);
    const letters = await lettersOf(world);
    await world.createTopics();
    await world.write("lines", { value: "another", timestampMs: 5_000 });
    expect(await redriveAll(world, letters)).toMatchObject([{ outcome: "impossible" }]);
  });
});

test.each<[why: string, change: Record<string, string | null>, reason: string]>([
  ["without an identity", { "millrace-id": null }, "it has no identity: something else than Millrace wrote it"],
  [
    "of another application",
    { "millrace-id": "shop/counting/lines-0/0:1:0" },
    "it is of task shop/counting/lines-0, not of application test",
  ],
  [
    "of another generation",
    { "millrace-id": "test/counting/lines-0/3:1:0" },
    "counting was reset since: as generation 0 it read its input again",
  ],
  [
    "of a topic that is not read any more",
    { "millrace-topic": "rows", "millrace-id": "test/counting/rows-0/0:1:0" },
    "counting does not read topic rows any more",
  ],
  [
    "of a partition that is not there any more",
    { "millrace-partition": "7", "millrace-id": "test/counting/lines-7/0:1:0" },
    "topic lines has no partition 7 any more",
  ],
  [
    "of a time when its function kept no log",
    { "millrace-failed-at": null },
    "counting kept no log when it failed, and one now: whether it was redriven since is not known",
  ],
  ["of what it does not say", { "millrace-offset": "3:1" }, "it does not say what it was"],
])("a dead letter %s is not possible, and the others are redriven", async (_, change, reason) => {
  const world = await repaired({}, "bad");
  const [letter] = (await lettersOf(world)) as [LetterRecord];
  const headers = letter.headers.flatMap(([name, bytes]) => {
    const text = change[name];
    if (text === null) return [];
    return [[name, text === undefined ? bytes : new TextEncoder().encode(text)] as const];
  });
  const outcomes = await redriveAll(world, [{ ...letter, headers }, letter]);
  expect(outcomes).toHaveLength(change["millrace-offset"] === undefined ? 2 : 1);
  expect(outcomes).toContainEqual(expect.objectContaining({ outcome: "impossible", reason }));
  if (outcomes.length === 2) expect(outcomes).toContainEqual({ id: FIRST, outcome: "redriven" });
});

test("headers of the original that look like those of a dead letter stay its own", async () => {
  const world = await new World([counting]).createTopics();
  const header = (name: string, value: string) => [name, new TextEncoder().encode(value)] as const;
  const headers = [header("millrace-detail", "{"), header("millrace-id", "x/0:1:1"), header("millrace-offset", "9")];
  await world.write("lines", { value: "bad", headers });
  await world.environment().deliver("lines", 0);
  const [letter] = (await lettersOf(world)).map(toDeadLetter);
  expect(letter).toMatchObject({ id: FIRST, offset: "0", kind: "record", detail: undefined });
  expect(letter?.headers).toEqual(headers);
});

test("R1: what is remembered of redriven letters does not lie in what every entry holds, and survives chunks", async () => {
  const LETTERS = 700;
  const world = await repaired({}, ...Array.from({ length: LETTERS }, (_, i) => `bad${i}`));
  const open = () => {
    const plan = world.planOf("lines");
    return openTask(world.log, plan, toTaskName("test", plan.name, "lines", 0, 0), 1e6);
  };
  const before = encodeMeta((await open()).meta).length;
  const letters = await lettersOf(world);
  expect(letters).toHaveLength(LETTERS);
  // One by one, so that entries are overwritten and only chunks tell of them.
  const environment = world.environment();
  for (const letter of letters.slice(0, 60)) await redriveAll(world, [letter], environment);
  await redriveAll(world, letters);
  const opened = await open();
  expect(encodeMeta(opened.meta).length).toBeLessThan(before + 60);
  expect((opened.head?.sequenceNumber ?? 0) - (opened.head?.base ?? 0)).toBeLessThan(32);
  const again = await redriveAll(world, letters);
  expect(again.filter(({ outcome }) => outcome === "redriven-before")).toHaveLength(LETTERS);
});
