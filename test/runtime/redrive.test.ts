/** Dead letters that are processed again: each once, in the task that set it aside, as it was. */

import { at, operator, records, stream, testDriver, text, topic } from "millrace";
import { beforeEach, describe, expect, test } from "vitest";
import { breakJobs, jobs, keyed, out, plain, repair, work } from "./broken-jobs.ts";

beforeEach(() => breakJobs("bad"));

const before = operator(
  "before",
  stream(jobs)
    .map(work)
    .keyBy(() => "all")
    .sum(({ n }) => n)
    .to(out.from(({ value }) => `${value}`)),
);
const behind = operator(
  "behind",
  stream(jobs)
    .keyBy(() => "all")
    .map(work)
    .sum(({ n }) => n)
    .to(out.from(({ value }) => `${value}`)),
);
const same = operator(
  "same",
  stream(keyed)
    .map(work)
    .keyedByTopicKey()
    .sum(({ n }) => n)
    .to(out.from(({ value }) => `${value}`)),
);

describe.each([false, true])("in a new environment each time: %s", (restartAfterEveryBatch) => {
  const options = { restartAfterEveryBatch };

  test.each([
    ["before a shuffle", before, jobs],
    ["behind a shuffle", behind, jobs],
    ["without a shuffle", same, keyed],
  ])("a record that failed %s is counted once, however often it is redriven", async (_, tested, from) => {
    await using driver = await testDriver(tested, options);
    const job = (name: string, n: number) => at(1_000, { name, n }, { key: "all" });
    await driver.send(from, job("a", 1), job("bad", 10), job("b", 100));
    expect(await driver.read(out)).toEqual(["1", "101"]);
    repair();
    expect(await driver.redrive(tested)).toMatchObject([{ outcome: "redriven" }]);
    expect(await driver.read(out)).toEqual(["1", "101", "111"]);
    expect(await driver.redrive(tested)).toMatchObject([{ outcome: "redriven-before" }]);
    await driver.restart();
    expect(await driver.redrive(tested)).toMatchObject([{ outcome: "redriven-before" }]);
    await driver.send(from, job("c", 1_000));
    expect(await driver.read(out)).toEqual(["1", "101", "111", "1111"]);
    expect(await driver.deadLetters(tested)).toHaveLength(1);
    // Not for those who look at what steps keep.
    expect(await driver.state(tested)).toHaveLength(1);
  });

  test("what fails again is a new dead letter that names the one before, and is counted once in the end", async () => {
    await using driver = await testDriver(behind, options);
    await driver.send(jobs, at(1_000, { name: "bad", n: 7 }));
    const [first] = await driver.deadLetters(behind);
    expect(await driver.redrive(behind)).toEqual([{ id: first?.id, outcome: "failed-again", reason: "bad is broken" }]);
    const [, second] = await driver.deadLetters(behind);
    expect(second).toMatchObject({ successorOf: first?.id, offset: first?.offset, value: first?.value });
    expect(second?.id).not.toBe(first?.id);
    repair();
    expect(await driver.redrive(behind)).toEqual([
      { id: first?.id, outcome: "failed-before" },
      { id: second?.id, outcome: "redriven" },
    ]);
    expect(await driver.read(out)).toEqual(["7"]);
  });

  test("those that are chosen, and no others", async () => {
    breakJobs("x", "y");
    await using driver = await testDriver(before, options);
    await driver.send(jobs, at(1_000, { name: "x", n: 1 }), at(1_000, { name: "y", n: 10 }));
    repair();
    await driver.redrive(before, ({ reason }) => reason.startsWith("y"));
    expect(await driver.read(out)).toEqual(["10"]);
    await driver.redrive(before);
    expect(await driver.read(out)).toEqual(["10", "11"]);
    // They were counted when they were read.
    const ofReader = driver.reports.filter(({ functionName }) => functionName === "before");
    expect(ofReader.reduce((sum, { elements }) => sum + elements, 0)).toBe(2);
  });

  test("one that fails among many is set aside again, and the others go through", async () => {
    breakJobs("a", "b", "c");
    await using driver = await testDriver(behind, options);
    await driver.send(jobs, ...["a", "b", "c"].map((name, i) => at(1_000, { name, n: 10 ** i })));
    breakJobs("b");
    expect((await driver.redrive(behind)).map(({ outcome }) => outcome).sort()).toEqual([
      "failed-again",
      "redriven",
      "redriven",
    ]);
    expect(await driver.read(out)).toEqual(["1", "101"]);
  });

  test("one without a log: whoever reads its outputs counts them, although it has seen later ones", async () => {
    const clean = operator("clean", stream(plain).map(work).to(jobs));
    await using driver = await testDriver([clean, before], options);
    await driver.send(plain, ...["a", "bad", "b", "c"].map((name, i) => at(1_000 + i, { name, n: 10 ** i })));
    expect(await driver.read(out)).toEqual(["1", "101", "1101"]);
    expect(await driver.redrive(clean)).toMatchObject([{ outcome: "failed-again" }]);
    repair();
    expect(await driver.redrive(clean)).toMatchObject([{ outcome: "failed-before" }, { outcome: "redriven" }]);
    expect(await driver.read(out)).toEqual(["1", "101", "1101", "1111"]);
    expect(await driver.redrive(clean)).toMatchObject([{ outcome: "failed-before" }, { outcome: "redriven-before" }]);
    await driver.send(plain, at(2_000, { name: "d", n: 10_000 }));
    expect(await driver.read(out)).toEqual(["1", "101", "1101", "1111", "11111"]);
    // Its redrives are not one of those for whom time means something.
    expect((await driver.readRecords(jobs)).map(({ identity }) => identity?.task)).toEqual([
      ...new Array<string>(3).fill("test/clean/plain-0"),
      "test/clean--redrive/plain-0",
      "test/clean/plain-0",
    ]);
  });

  test("a record that an operator of this application wrote is no repeat", async () => {
    const upstream = operator(
      "upstream",
      stream(plain)
        .keyBy(() => 0)
        .count()
        .to(jobs.from(({ value }) => ({ name: value === 2 ? "bad" : "good", n: value }))),
    );
    await using driver = await testDriver([upstream, before], options);
    const job = { name: "a", n: 1 };
    await driver.send(plain, job, job, job);
    expect(await driver.read(out)).toEqual(["1", "4"]);
    repair();
    await driver.redrive(before);
    expect(await driver.read(out)).toEqual(["1", "4", "6"]);
    await driver.send(plain, job);
    expect(await driver.read(out)).toEqual(["1", "4", "6", "10"]);
  });
});

test("the record is as it was: key, headers, timestamp, position", async () => {
  const seen: unknown[] = [];
  const looking = operator(
    "looking",
    records(plain)
      .map((record) => {
        work(record.value);
        seen.push(record);
        return record.value.name;
      })
      .to(out),
  );
  await using driver = await testDriver(looking);
  await driver.send(plain, { name: "a", n: 1 }, at(5_000, { name: "bad", n: 2 }, { headers: { trace: "t" } }));
  repair();
  seen.length = 0;
  await driver.redrive(looking);
  expect(seen[0]).toEqual({
    key: null,
    value: { name: "bad", n: 2 },
    headers: { trace: "t" },
    timestampMs: 5_000,
    topic: "plain",
    partition: 0,
    offset: 1n,
  });
});

test("results that are to appear exactly once do so when they are redriven", async () => {
  const once = topic("once", { value: text(), exactlyOnce: true });
  const exact = operator(
    "exact",
    stream(plain)
      .map(work)
      .keyBy(() => "all")
      .map(work)
      .sum(({ n }) => n)
      .to(once.from(({ value }) => `${value}`)),
  );
  await using driver = await testDriver(exact, { restartAfterEveryBatch: true });
  await driver.send(plain, { name: "a", n: 1 }, { name: "bad", n: 10 });
  repair();
  await driver.redrive(exact);
  await driver.redrive(exact);
  await driver.send(plain, { name: "b", n: 100 });
  expect((await driver.readRecords(once)).map(({ value }) => value)).toEqual(["1", "11", "111"]);
});

test("an operator that stops at errors has none of its own, but those of before are set aside again", async () => {
  const strict = (onError: "fail" | "dead-letter") =>
    operator(
      { name: "strict", onError },
      stream(plain)
        .map(work)
        .keyBy(() => 0)
        .count()
        .to(out.from(({ value }) => `${value}`)),
    );
  const lenient = strict("dead-letter");
  await using driver = await testDriver(lenient);
  await driver.send(plain, { name: "bad", n: 1 });
  (lenient.definition as { onError: string }).onError = "fail";
  expect(await driver.redrive(lenient)).toMatchObject([{ outcome: "failed-again" }]);
  repair();
  await driver.redrive(lenient);
  expect(await driver.read(out)).toEqual(["1"]);
});
