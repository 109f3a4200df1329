/** Calls that fail: each the failure of its unit, with nothing left of it, and nobody's beside it. */

import { at, milliseconds, operator, seconds, stream, testDriver, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { answers, at0, operatorOf, others, upper, words } from "./asked-words.ts";

describe("a call that fails", () => {
  test("makes its record a dead letter, with a sentence; its neighbours go on", async () => {
    const { fn, calls } = upper({ retries: 1, backoff: { initial: milliseconds(1) } });
    const ask = operatorOf((from) => from.mapAsync(fn, { name: "customers" }));
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("a", "bad", "b"));
    expect(await driver.read(answers)).toEqual(["A", "B"]);
    const [letter, ...more] = await driver.deadLetters(ask);
    expect(more).toEqual([]);
    expect(letter).toMatchObject({
      reason: "mapAsync customers failed after 2 attempts: no bad",
      step: "mapAsync customers",
      topic: "words",
      offset: "1",
    });
    // Strict mode goes through the batch twice, and once more since a unit failed.
    expect(calls).toEqual(["a", "bad", "b", "bad"]);
  });

  test("in time is told from one that has no answer", async () => {
    const ask = operatorOf((from) =>
      from.mapAsync({
        call: async (word) => (word === "bad" ? new Promise<string>(() => {}) : word),
        timeout: milliseconds(20),
      }),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("a", "bad", "b"));
    expect(await driver.read(answers)).toEqual(["a", "b"]);
    expect((await driver.deadLetters(ask)).map(({ reason }) => reason)).toEqual([
      "mapAsync failed after 1 attempt: no answer within 20 ms",
    ]);
  });

  test("behind a shuffle makes the element a dead letter", async () => {
    const { fn } = upper();
    const ask = operatorOf((from) =>
      from
        .keyBy((word) => word.length)
        .mapAsync(fn)
        .count()
        .map(({ key, value }) => `${key}: ${value}`),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("abc", "bad", "be", "bed"));
    expect(await driver.read(answers)).toEqual(["3: 1", "2: 1", "3: 2"]);
    const letters = await driver.deadLetters(ask);
    expect(letters.map(({ topic: from, reason }) => [from, reason])).toEqual([
      ["ask--by-key", "mapAsync failed after 1 attempt: no bad"],
    ]);
  });

  test("behind a window makes the window's result a dead letter", async () => {
    const { fn, calls } = upper();
    const ask = operatorOf((from) =>
      from
        .keyBy((word) => word)
        .window(tumbling(milliseconds(10)))
        .count()
        .map(({ key, value }) => `${key}${value}`)
        .mapAsync(fn),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("a", "bad", "b", "a"), at(100, "z"));
    expect([...(await driver.read(answers))].sort()).toEqual(["A2", "B1"]);
    expect((await driver.deadLetters(ask)).map(({ kind, reason }) => [kind, reason])).toEqual([
      ["result", "mapAsync failed after 1 attempt: no bad1"],
    ]);
    expect(calls.sort()).toEqual(["a2", "b1", "bad1"]);
  });

  test("undoes what its record did elsewhere", async () => {
    const { fn } = upper();
    const read = stream(words).keyBy((word) => word.length);
    const ask = operator(
      "ask",
      read.mapAsync(fn).to(answers.from((value: string) => value)),
      read.count().to(others.from(({ key, value }) => `${key}: ${value}`)),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, ...at0("abc", "bad", "bed"));
    expect(await driver.read(answers)).toEqual(["ABC", "BED"]);
    expect(await driver.read(others)).toEqual(["3: 1", "3: 2"]);
  });

  test('stops the partition with onError: "fail", and is made again with the next delivery', async () => {
    let isBack = false;
    const ask = operatorOf(
      (from) =>
        from.mapAsync({
          call: async (word) => (isBack ? word : Promise.reject(new Error("away"))),
          timeout: seconds(1),
        }),
      "fail",
    );
    await using driver = await testDriver(ask);
    await expect(driver.send(words, "a")).rejects.toThrow(
      "Operator ask stopped at words-0, offset 0, in mapAsync: mapAsync failed after 1 attempt: away",
    );
    isBack = true;
    await driver.send(words, "b");
    expect(await driver.read(answers)).toEqual(["a", "b"]);
  });

  test("may be redriven when the outside is back", async () => {
    let isBack = false;
    const ask = operatorOf((from) =>
      from
        .keyBy((word) => word)
        .mapAsync({
          call: async (word) => (isBack ? word : Promise.reject(new Error("away"))),
          timeout: seconds(1),
        })
        .count()
        .map(({ key, value }) => `${key}${value}`),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, "a", "b");
    expect((await driver.redrive(ask)).map(({ outcome }) => outcome)).toEqual(["failed-again", "failed-again"]);
    isBack = true;
    expect((await driver.redrive(ask)).map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining(["redriven", "redriven"]),
    );
    expect(await driver.read(answers)).toEqual(["a1", "b1"]);
  });
});

describe("many that fail", () => {
  test("in every bundle of a batch are set aside together", async () => {
    const calls: string[] = [];
    const ask = operatorOf((from) =>
      from
        .keyBy((word) => word)
        .mapAsync({
          call: async (word) => {
            calls.push(word);
            if (Number(word) % 2 === 1) throw new Error("odd");
            return word;
          },
          timeout: seconds(1),
        })
        .count()
        .map(({ key }) => key),
    );
    await using driver = await testDriver(ask, { batchSize: 50 });
    const all = Array.from({ length: 600 }, (_, i) => at(i, String(i)));
    await driver.send(words, ...all);
    expect(await driver.read(answers)).toHaveLength(300);
    expect(await driver.deadLetters(ask)).toHaveLength(300);
    expect(calls).toHaveLength(600);
  });
});
