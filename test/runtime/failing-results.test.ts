/** Authors' functions that throw when a window fires or partial results are merged: that result is lost to a dead letter, others are not. */

import { at, json, milliseconds, monotonic, operator, stream, testDriver, text, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";

type Job = { readonly name: string; readonly n: number };

const jobs = topic("jobs", { value: json<Job>(), watermark: monotonic() });
const out = topic("out", { value: text() });
const windows = stream(jobs)
  .keyBy((j) => j.name)
  .window(tumbling(milliseconds(5_000)));

const refusing = (sum: number) => {
  if (sum === 13) throw new Error("thirteen");
  return sum;
};

describe("result()", () => {
  const failing = operator(
    "failing",
    windows
      .aggregate((on) =>
        on.custom({ create: () => 0, add: (a, j) => a + j.n, merge: (a, b) => a + b, result: refusing }),
      )
      .to(out.from(({ key, value, window }) => `${window.startMs} ${key} ${value}`)),
  );

  test("that throws makes a dead letter with key and window, and the other windows fire", async () => {
    await using driver = await testDriver(failing);
    await driver.send(
      jobs,
      at(1_000, { name: "a", n: 13 }),
      at(1_000, { name: "b", n: 1 }),
      at(6_000, { name: "a", n: 2 }),
    );
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["0 b 1", "5000 a 2"]);
    const letters = await driver.deadLetters(failing);
    expect(letters.map(({ offset, step, reason }) => ({ offset, step, reason }))).toEqual([
      { offset: "timer", step: "window", reason: "thirteen" },
    ]);
    expect(JSON.parse(new TextDecoder().decode(letters[0]?.value as Uint8Array))).toEqual({
      key: "a",
      window: { startMs: 0, endMs: 5_000 },
    });
  });

  test("that throws for one of several firings of a window loses that one alone", async () => {
    const late = operator(
      "late",
      windows
        .allowedLateness(milliseconds(60_000))
        .aggregate((on) => on.custom({ create: () => 0, add: (a, j) => a + j.n, result: refusing }))
        .to(out.from(({ key, value }) => `${key} ${value}`)),
    );
    await using driver = await testDriver(late);
    await driver.send(jobs, at(1_000, { name: "a", n: 11 }));
    await driver.advanceWatermark(10_000);
    await driver.send(
      jobs,
      at(1_000, { name: "a", n: 1 }),
      at(1_000, { name: "a", n: 1 }),
      at(1_000, { name: "b", n: 13 }),
      at(1_000, { name: "a", n: 1 }),
      at(1_000, { name: "b", n: 1 }),
    );
    expect(await driver.read(out)).toEqual(["a 11", "a 12", "a 14", "b 14"]);
    expect(await driver.deadLetters(late)).toHaveLength(2);
  });
});

describe("merge()", () => {
  const failing = operator(
    "failing",
    windows
      .aggregate((on) =>
        on.custom({
          create: () => 0,
          add: (a, j) => a + j.n,
          merge: (a, b) => refusing(a + b),
          result: (a) => a,
        }),
      )
      .to(out.from(({ key, value }) => `${key} ${value}`)),
  );

  test("that throws makes a dead letter of what was to be added, and the rest stands", async () => {
    await using driver = await testDriver(failing);
    await driver.send(jobs, at(1_000, { name: "a", n: 12 }), at(1_000, { name: "b", n: 5 }));
    await driver.send(jobs, at(2_000, { name: "a", n: 1 }), at(2_000, { name: "b", n: 6 }));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["a 12", "b 11"]);
    const letters = await driver.deadLetters(failing);
    expect(
      letters.map(({ reason, step, value }) => [reason, step, new TextDecoder().decode(value ?? undefined)]),
    ).toEqual([["thirteen", "window", "1"]]);
  });

  test("that throws without a shuffle makes a dead letter of its record, and those behind it are counted", async () => {
    const keyed = topic("keyed", { key: text(), value: json<Job>(), watermark: monotonic() });
    const within = operator(
      "within",
      stream(keyed)
        .keyedByTopicKey()
        .window(tumbling(milliseconds(5_000)))
        .aggregate((on) =>
          on.custom({ create: () => 0, add: (a, j) => a + j.n, merge: (a, b) => refusing(a + b), result: (a) => a }),
        )
        .to(out.from(({ key, value }) => `${key} ${value}`)),
    );
    const job = (name: string, n: number) => at(1_000, { name, n }, { key: name });
    await using driver = await testDriver(within);
    await driver.send(keyed, job("a", 12), job("b", 5));
    await driver.send(keyed, job("a", 1), job("b", 6), job("c", 4));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["a 12", "b 11", "c 4"]);
    expect((await driver.deadLetters(within)).map(({ reason, offset }) => [reason, offset])).toEqual([
      ["thirteen", "2"],
    ]);
  });

  test('that throws stops the partition where onError is "fail"', async () => {
    const stopping = operator(
      { name: "stopping", onError: "fail" },
      windows
        .aggregate((on) =>
          on.custom({ create: () => 0, add: (a, j) => a + j.n, merge: (a, b) => refusing(a + b), result: (a) => a }),
        )
        .to(out.from(({ key, value }) => `${key} ${value}`)),
    );
    await using driver = await testDriver(stopping);
    await driver.send(jobs, at(1_000, { name: "a", n: 12 }));
    await expect(driver.send(jobs, at(2_000, { name: "a", n: 1 }))).rejects.toThrow(
      /^Operator stopping stopped at stopping--by-key-0, offset .* in window: thirteen/,
    );
    expect(await driver.deadLetters(stopping)).toEqual([]);
  });
});
