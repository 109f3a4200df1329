/** What is no record and failed all the same: elements and partial results behind a shuffle, results of windows. It is as it was when it is redriven. */

import {
  at,
  json,
  milliseconds,
  monotonic,
  type On,
  operator,
  session,
  stream,
  testDriver,
  topic,
  tumbling,
} from "millrace";
import { beforeEach, describe, expect, test } from "vitest";
import { breakJobs, isBroken, type Job, jobs, keyed, out, repair, work } from "./broken-jobs.ts";

beforeEach(() => breakJobs("bad"));

const old = topic("old", { value: json<Job>(), timestampOf: ({ n }) => n, watermark: monotonic() });

/** Sums that cannot be merged to thirteen while it is broken. */
const unlucky = (on: On<Job>) =>
  on.custom({
    create: () => 0,
    add: (a, { n }) => a + n,
    merge: (a, b) => {
      if (isBroken("bad") && a + b === 13) throw new Error("thirteen");
      return a + b;
    },
    result: (a) => a,
  });

describe("what is no record", () => {
  test("a partial result that could not be merged is merged", async () => {
    const merging = operator(
      "merging",
      stream(jobs)
        .keyBy(({ name }) => name)
        .window(tumbling(milliseconds(10_000)))
        .aggregate(unlucky)
        .to(out.from(({ key, value }) => `${key} ${value}`)),
    );
    await using driver = await testDriver(merging);
    await driver.send(jobs, at(1_000, { name: "a", n: 6 }));
    await driver.send(jobs, at(1_000, { name: "a", n: 3 }), at(1_000, { name: "a", n: 4 }));
    const [letter] = await driver.deadLetters(merging);
    expect(letter).toMatchObject({ kind: "partial", detail: { elements: 2, windowStartMs: 0 } });
    repair();
    await driver.redrive(merging);
    await driver.redrive(merging);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["a 13"]);
  });

  test("a partial session that could not be merged is merged, and is as long as it was", async () => {
    const merging = operator(
      "merging",
      stream(jobs)
        .keyBy(({ name }) => name)
        .window(session(milliseconds(1_000)))
        .aggregate(unlucky)
        .to(out.from(({ key, value, window }) => `${key} ${value} ${window.startMs} ${window.endMs}`)),
    );
    await using driver = await testDriver(merging);
    await driver.send(jobs, at(1_000, { name: "a", n: 6 }));
    await driver.send(
      jobs,
      at(1_500, { name: "a", n: 3 }),
      at(1_900, { name: "a", n: 4 }),
      at(1_950, { name: "b", n: 1 }),
    );
    const [letter] = await driver.deadLetters(merging);
    const detail = { elements: 2, windowStartMs: 1_500, windowEndMs: 2_900 };
    expect(letter).toMatchObject({ kind: "partial", timestampMs: 1_500, detail });
    repair();
    await driver.redrive(merging);
    await driver.redrive(merging);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["a 13 1000 2900", "b 1 1950 2950"]);
  });

  test("a result that failed when its window closed comes out, as it was then", async () => {
    const firing = operator(
      "firing",
      stream(jobs)
        .keyBy(({ name }) => name)
        .window(tumbling(milliseconds(1_000)))
        .aggregate((on) => ({ sum: on.sum(({ n }) => n), all: on.collect() }))
        .map((result) => {
          work({ name: result.key, n: 0 });
          return result;
        })
        .to(out.from(({ key, value, window }) => `${key} ${value.sum} ${value.all.length} ${window.startMs}`)),
    );
    await using driver = await testDriver(firing);
    await driver.send(
      jobs,
      at(100, { name: "bad", n: 1 }),
      at(200, { name: "bad", n: 2 }),
      at(5_000, { name: "a", n: 1 }),
    );
    expect(await driver.read(out)).toEqual([]);
    expect(await driver.redrive(firing)).toMatchObject([{ outcome: "failed-again", reason: "bad is broken" }]);
    repair();
    expect(await driver.redrive(firing)).toMatchObject([{ outcome: "failed-before" }, { outcome: "redriven" }]);
    expect(await driver.redrive(firing)).toMatchObject([{ outcome: "failed-before" }, { outcome: "redriven-before" }]);
    expect(await driver.read(out)).toEqual(["bad 3 2 0"]);
  });

  test("a result is as it was then, although its window went on", async () => {
    const late = operator(
      "late",
      stream(keyed)
        .keyedByTopicKey()
        .window(tumbling(milliseconds(1_000)))
        .allowedLateness(milliseconds(60_000))
        .aggregate((on) => on.collect())
        .map(({ key, value }) => {
          if (value.length === 2) work({ name: key, n: 0 });
          return value.length;
        })
        .to(out.from((length) => `${length}`)),
    );
    const job = (atMs: number) => at(atMs, { name: "", n: 1 }, { key: "bad" });
    await using driver = await testDriver(late);
    await driver.send(keyed, job(100));
    await driver.advanceWatermark(5_000);
    await driver.send(keyed, job(200), job(300));
    expect(await driver.read(out)).toEqual(["1", "3"]);
    repair();
    expect(await driver.redrive(late)).toMatchObject([{ outcome: "redriven" }]);
    expect(await driver.read(out)).toEqual(["1", "3", "2"]);
  });

  test("what a redriven element makes of others may fail, even where the operator stops at errors", async () => {
    const stages = operator(
      { name: "stages", onError: "dead-letter" },
      stream(jobs)
        .keyBy(() => "all")
        .map(work)
        .window(tumbling(milliseconds(1_000)))
        .allowedLateness(milliseconds(60_000))
        .sum(({ n }) => n)
        .map(({ value }) => work({ name: `sum ${value}`, n: value }))
        .to(out.from(({ n }) => `${n}`)),
    );
    breakJobs("bad", "sum 11");
    await using driver = await testDriver(stages);
    await driver.send(
      jobs,
      at(100, { name: "a", n: 1 }),
      at(200, { name: "bad", n: 10 }),
      at(5_000, { name: "b", n: 5 }),
    );
    breakJobs("sum 11");
    (stages.definition as { onError: string }).onError = "fail";
    // The element counts; of its window's new result there is a dead letter.
    expect(await driver.redrive(stages)).toMatchObject([{ outcome: "redriven" }]);
    expect((await driver.deadLetters(stages)).map(({ kind }) => kind)).toEqual(["element", "result"]);
    repair();
    await driver.redrive(stages);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["1", "11", "5"]);
  });

  test.each([
    ["record", stream(keyed).map(work).keyedByTopicKey()],
    [
      "element",
      stream(keyed)
        .keyBy(({ name }) => name.slice(-1))
        .map(work),
    ],
  ])("a redriven %s that cannot be merged with what is there fails alone", async (_, from) => {
    const merging = operator(
      "merging",
      from
        .window(tumbling(milliseconds(10_000)))
        .aggregate((on) =>
          on.custom({
            create: () => 0,
            add: (a, { n }) => a + n,
            merge: (a, b) => {
              if (isBroken("merge") && a + b === 13) throw new Error("thirteen");
              return a + b;
            },
            result: (a) => a,
          }),
        )
        .to(out.from(({ key, value }) => `${key} ${value}`)),
    );
    breakJobs("bad x", "bad y", "merge");
    await using driver = await testDriver(merging);
    const job = (key: string, name: string, n: number) => at(1_000, { name: `${name} ${key}`, n }, { key });
    await driver.send(keyed, job("x", "a", 6), job("x", "bad", 7), job("y", "bad", 1));
    breakJobs("merge");
    expect((await driver.redrive(merging)).map(({ outcome }) => outcome)).toEqual(["failed-again", "redriven"]);
    repair();
    await driver.redrive(merging);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["x 13", "y 1"]);
  });

  test("elements keep what JSON does not: keys, values, and times before 1970", async () => {
    const odd = "\ud800";
    const faithful = operator(
      "faithful",
      stream(old)
        .map(({ name, n }) => ({ name, big: BigInt(n), t: [1] }))
        .keyBy(({ name }) => [name, odd] as const)
        .map((value) => {
          work({ name: value.name, n: 0 });
          return value;
        })
        .window(tumbling(milliseconds(1_000)))
        .aggregate((on) => on.collect())
        .to(out.from(({ key, value, window }) => `${key[1] === odd} ${value[0]?.big === -500n} ${window.startMs}`)),
    );
    await using driver = await testDriver(faithful);
    await driver.send(old, { name: "bad", n: -500 });
    repair();
    await driver.redrive(faithful);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["true true -1000"]);
  });
});
