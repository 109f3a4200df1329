/** `onError: "fail"`: the partition stops at the record, says where and why, and goes on when the record can be processed. */

import { at, json, operator, stream, testDriver, text, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { readOnce } from "./read-once.ts";

const jobs = topic("jobs", { value: json<number>(), partitions: 2 });
const out = topic("out", { value: text() });

describe('onError: "fail"', () => {
  const stopping = (repaired: { yet: boolean }) =>
    operator(
      { name: "stopping", onError: "fail" },
      stream(jobs)
        .map((n) => {
          if (n === 13 && !repaired.yet) throw new RangeError("thirteen");
          return `n${n}`;
        })
        .keyBy((s) => s)
        .count()
        .to(out.from(({ key, value }) => `${key} ${value}`)),
    );

  test("names operator, topic, partition, offset, step and reason", async () => {
    await using driver = await testDriver(stopping({ yet: false }), { batchSize: 1 });
    await expect(driver.send(jobs, 1, 13, 2)).rejects.toThrow(
      'Operator stopping stopped at jobs-0, offset 1, in map: thirteen (onError is "fail"; with "dead-letter" the record would be set aside)',
    );
  });

  test("stops that partition alone: the others go on, and nothing of it is lost or doubled once it is repaired", async () => {
    const repaired = { yet: false };
    const operator = stopping(repaired);
    await using driver = await testDriver(operator, { partitions: "declared", strict: false });
    const sent = driver.send(
      jobs,
      at(1_000, 1, { partition: 0 }),
      at(1_000, 13, { partition: 0 }),
      at(1_000, 2, { partition: 1 }),
    );
    await expect(sent).rejects.toThrow("stopped at jobs-0, offset 1");
    expect(await driver.deadLetters(operator)).toEqual([]);
    repaired.yet = true;
    await driver.send(jobs, at(2_000, 3, { partition: 1 }));
    expect((await readOnce(driver, out)).sort()).toEqual(["n1 1", "n13 1", "n2 1", "n3 1"]);
  });

  test("holds for what cannot be decoded too", async () => {
    const operator = stopping({ yet: true });
    await using driver = await testDriver(operator);
    await expect(driver.sendBroken(jobs, "hello")).rejects.toThrow(
      /^Operator stopping stopped at jobs-0, offset 0, in value of topic jobs: The bytes are not JSON/,
    );
    expect(await driver.deadLetters(operator)).toEqual([]);
  });

  test("holds behind a shuffle too", async () => {
    const behind = operator(
      { name: "behind", onError: "fail" },
      stream(jobs)
        .keyBy((n) => n)
        .sum((n) => n)
        .map(({ value }) => {
          if (value > 12) throw new RangeError("too much");
          return String(value);
        })
        .to(out),
    );
    await using driver = await testDriver(behind);
    await expect(driver.send(jobs, 1, 13)).rejects.toThrow(
      /^Operator behind stopped at behind--by-key-0, offset 0, element 1, in map: too much/,
    );
    expect(await driver.read(out)).toEqual([]);
  });
});
