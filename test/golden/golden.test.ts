/**
 * Golden runs: each pipeline gives the results in its file, however its input is cut into batches and however often its environment is
 * thrown away. `MILLRACE_GOLDEN=write npx vitest run test/golden` writes the files from a straight run; read them before they are committed.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { type TestDriverOptions, testDriver } from "millrace";
import { describe, expect, test } from "vitest";
import { readRecordsOnce } from "../runtime/read-once.ts";
import { CALM_MS, PIPELINES, type Pipeline } from "./pipelines.ts";

type Result = Readonly<Record<string, readonly unknown[]>>;

/** Sends everything, `perCall` elements at a time, and ends the input. Results are sets: sorted, without repeats. */
async function run(pipeline: Pipeline, perCall: number, options: TestDriverOptions): Promise<Result> {
  await using driver = await testDriver(pipeline.operators, { partitions: "declared", ...options });
  for (let i = 0; i < pipeline.elements.length; i += perCall)
    await driver.send(pipeline.input, ...pipeline.elements.slice(i, i + perCall));
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  const result: Record<string, readonly unknown[]> = {};
  for (const output of pipeline.outputs) result[output.topicName] = sorted(await readRecordsOnce(driver, output));
  const letters = (await Promise.all(pipeline.operators.map((operator) => driver.deadLetters(operator)))).flat();
  if (letters.length > 0)
    result["dead letters"] = [
      ...new Set(letters.map(({ topic, partition, offset, reason }) => `${topic}-${partition} ${offset}: ${reason}`)),
    ].sort();
  return result;
}

function sorted(records: readonly { readonly key: unknown; readonly value: unknown; readonly timestampMs: number }[]) {
  return records
    .map(({ key, value, timestampMs }) => ({ timestampMs, ...(key !== null && { key }), value }))
    .map((record) => [JSON.stringify(record), record] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, record]) => record);
}

const fileOf = ({ name }: Pipeline) => new URL(`./${name.replaceAll(/[^a-z]+/g, "-")}.json`, import.meta.url);

/** One result a line. */
function toText(result: Result): string {
  const topics = Object.entries(result).map(
    ([name, list]) =>
      `  ${JSON.stringify(name)}: [\n${list.map((one) => `    ${JSON.stringify(one)}`).join(",\n")}\n  ]`,
  );
  return `{\n${topics.join(",\n")}\n}\n`;
}

describe.each(PIPELINES.map((pipeline) => [pipeline.name, pipeline] as const))("%s", (_, pipeline) => {
  test("gives the results in its file", async () => {
    const result = await run(pipeline, 4, {});
    if (process.env.MILLRACE_GOLDEN === "write") writeFileSync(fileOf(pipeline), toText(result));
    expect(result).toEqual(JSON.parse(readFileSync(fileOf(pipeline), "utf8")));
  });

  test.each([
    ["with everything at once", 1_000, {}],
    ["element by element", 1, {}],
    ["in batches of two", 7, { batchSize: 2 }],
    ["with a new environment after every batch", 4, { restartAfterEveryBatch: true }],
    ["with a new environment after every batch of one", 3, { restartAfterEveryBatch: true, batchSize: 1 }],
    ["without the checks of strict mode", 4, { strict: false }],
    ["with a commit for each result that is due", 4, { resultsPerCommit: 1 }],
    ["with a commit for two of them, from warm caches", 40, { resultsPerCommit: 2, strict: false }],
  ] as const)("gives the same %s", async (_how, perCall, options) => {
    const expected = JSON.parse(readFileSync(fileOf(pipeline), "utf8")) as Result;
    expect(await run(pipeline, perCall, options)).toEqual(expected);
  });
});

test("the file of the word count is what a direct count of the same lines gives", () => {
  const pipeline = PIPELINES.find(({ name }) => name === "word count") as Pipeline;
  const direct: Record<string, number> = {};
  for (const { value, timestampMs } of pipeline.elements)
    for (const word of value.toLowerCase().match(/[a-z]+/g) ?? []) {
      const place = `${timestampMs - (timestampMs % 5_000)} ${word}`;
      direct[place] = (direct[place] ?? 0) + 1;
    }
  const file = JSON.parse(readFileSync(fileOf(pipeline), "utf8")) as {
    counts: { value: { window: number; word: string; count: number } }[];
  };
  expect(Object.fromEntries(file.counts.map(({ value: v }) => [`${v.window} ${v.word}`, v.count]))).toEqual(direct);
});

test("the file of words and calm is what looking at all lines at once gives", () => {
  const pipeline = PIPELINES.find(({ name }) => name === "words and then calm") as Pipeline;
  const times = new Map<string, number[]>();
  for (const { value, timestampMs } of pipeline.elements)
    for (const word of value.toLowerCase().match(/[a-z]+/g) ?? [])
      times.set(word, [...(times.get(word) ?? []), timestampMs]);
  const direct = [...times].flatMap(([word, all]) =>
    [...new Set(all)]
      .filter((ms) => word !== "hour" && !all.some((other) => other > ms && other <= ms + CALM_MS))
      .map((ms) => ({ word, spoken: all.filter((other) => other <= ms).length, untilMs: ms + CALM_MS })),
  );
  const file = JSON.parse(readFileSync(fileOf(pipeline), "utf8")) as { calms: { value: unknown }[] };
  const byText = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).sort();
  expect(byText(file.calms.map(({ value }) => value))).toEqual(byText(direct));
});

test("the file of asking the outside is what looking at all lines at once gives", () => {
  const pipeline = PIPELINES.find(({ name }) => name === "asking the outside") as Pipeline;
  const direct: Record<string, Set<string>> = {};
  for (const { value, timestampMs } of pipeline.elements)
    for (const word of value.includes("hour") ? [] : (value.toLowerCase().match(/[a-z]+/g) ?? []))
      (direct[`${timestampMs - (timestampMs % 10_000)} ${word.slice(-2)}`] ??= new Set()).add(word);
  const file = JSON.parse(readFileSync(fileOf(pipeline), "utf8")) as {
    rhymes: { value: { window: number; ending: string; words: string[] } }[];
    "dead letters": string[];
  };
  expect(Object.fromEntries(file.rhymes.map(({ value: v }) => [`${v.window} ${v.ending}`, v.words]))).toEqual(
    Object.fromEntries(
      Object.entries(direct)
        .filter(([, found]) => found.size > 1)
        .map(([name, found]) => [name, [...found].sort()]),
    ),
  );
  expect(file["dead letters"]).toHaveLength(3);
});
