/** Dead letters that are processed again: each once, in the task that set it aside, without moving what time and input it knows of. */

import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  monotonic,
  operator,
  records,
  stream,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { beforeEach, describe, expect, test } from "vitest";

type Job = { readonly name: string; readonly n: number };

const jobs = topic("jobs", { value: json<Job>(), watermark: boundedOutOfOrderness(milliseconds(1_000)) });
const out = topic("out", { value: text() });
const keyed = topic("keyed", { key: text(), value: json<Job>(), watermark: monotonic() });
const old = topic("old", { value: json<Job>(), timestampOf: ({ n }) => n, watermark: monotonic() });
const plain = topic("plain", { value: json<Job>(), watermark: monotonic() });

/** What throws until it is repaired. */
let broken: ReadonlySet<string> = new Set();
const work = (job: Job): Job => {
  if (broken.has(job.name)) throw new Error(`${job.name} is broken`);
  return job;
};
beforeEach(() => {
  broken = new Set(["bad"]);
});
const repair = () => {
  broken = new Set();
};

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
    broken = new Set(["x", "y"]);
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
    broken = new Set(["a", "b", "c"]);
    await using driver = await testDriver(behind, options);
    await driver.send(jobs, ...["a", "b", "c"].map((name, i) => at(1_000, { name, n: 10 ** i })));
    broken = new Set(["b"]);
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

describe("time", () => {
  const windowed = operator(
    "windowed",
    stream(jobs)
      .map(work)
      .keyBy(() => "all")
      .window(tumbling(milliseconds(1_000)))
      .sum(({ n }) => n)
      .to(out.from(({ value, window }) => `${window.startMs} ${value}`)),
  );

  test("stands still: a redriven record fires nothing and makes nothing late", async () => {
    await using driver = await testDriver(windowed);
    await driver.send(jobs, at(1_000, { name: "a", n: 1 }), at(90_000, { name: "bad", n: 10 }));
    repair();
    await driver.redrive(windowed);
    expect(await driver.read(out)).toEqual([]);
    await driver.send(jobs, at(1_500, { name: "a", n: 2 }));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["1000 3", "90000 10"]);
    expect(driver.late).toBe(0);
    const ofReader = driver.reports.filter(({ functionName }) => functionName === "windowed");
    expect(ofReader.map(({ checkpoint }) => checkpoint)).toEqual([-1, 1, 1, 1, 2, 2]);
  });

  test("has gone on: a record whose window has closed is late", async () => {
    await using driver = await testDriver(windowed);
    await driver.send(jobs, at(1_000, { name: "bad", n: 10 }), at(90_000, { name: "a", n: 1 }));
    repair();
    expect(await driver.redrive(windowed)).toMatchObject([{ outcome: "redriven" }]);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["90000 1"]);
    expect(driver.late).toBe(1);
  });

  test("by the clock: a redriven record is of the window of now, which closes by itself", async () => {
    const clocked = operator(
      "clocked",
      stream(jobs)
        .map(work)
        .keyBy(() => "all")
        .window(tumbling(milliseconds(1_000), { time: "processing" }))
        .sum(({ n }) => n)
        .to(out.from(({ value }) => `${value}`)),
    );
    await using driver = await testDriver(clocked);
    await driver.send(jobs, { name: "bad", n: 10 });
    await driver.advanceClock(5_000);
    repair();
    await driver.redrive(clocked);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceClock(1_000);
    expect(await driver.read(out)).toEqual(["10"]);
  });
});

describe("a redrive while the input is idle and the watermark follows the clock", () => {
  const idle = topic("idle", {
    key: text(),
    value: json<Job>(),
    watermark: boundedOutOfOrderness(milliseconds(1_000), { idleAfter: milliseconds(2_000), whenIdle: "follow-clock" }),
  });
  const summing = stream(idle).map(work);
  const closing = (keyed: ReturnType<typeof summing.keyBy<string>>) =>
    keyed
      .window(tumbling(milliseconds(5_000)))
      .sum(({ n }) => n)
      .to(out.from(({ value }) => `${value}`));

  test.each([
    ["in the function that reads it", operator("within", closing(summing.keyedByTopicKey())), ["1"]],
    // There it is an element like any other, and the clock closes what it may.
    ["behind a shuffle", operator("across", closing(summing.keyBy(() => "all"))), ["1", "100"]],
  ])("opens windows %s, which the clock closes and not the redrive", async (_, tested, atOnce) => {
    await using driver = await testDriver(tested);
    const startMs = driver.nowMs;
    await driver.send(idle, at(startMs, { name: "a", n: 1 }, { key: "all" }));
    await driver.send(idle, at(startMs + 60_000, { name: "bad", n: 10 }, { key: "all" }));
    await driver.send(idle, at(startMs + 20_000, { name: "bad", n: 100 }, { key: "all" }));
    await driver.advanceClock(40_000);
    expect(await driver.read(out)).toEqual(["1"]);
    repair();
    await driver.redrive(tested);
    expect(await driver.read(out)).toEqual(atOnce);
    await driver.advanceClock(1);
    expect(await driver.read(out)).toEqual(["1", "100"]);
    await driver.advanceClock(25_000);
    expect(await driver.read(out)).toEqual(["1", "100"]);
    await driver.advanceClock(2_000);
    expect(await driver.read(out)).toEqual(["1", "100", "10"]);
  });

  test("of what failed behind a shuffle opens a window that the next tick closes", async () => {
    const there = operator(
      "there",
      closing(
        stream(idle)
          .keyBy(() => "all")
          .map(work),
      ),
    );
    await using driver = await testDriver(there);
    await driver.send(idle, at(driver.nowMs, { name: "bad", n: 10 }, { key: "all" }));
    await driver.advanceClock(40_000);
    repair();
    await driver.redrive(there);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceClock(1);
    expect(await driver.read(out)).toEqual(["10"]);
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

describe("what is no record", () => {
  test("a partial result that could not be merged is merged", async () => {
    const merging = operator(
      "merging",
      stream(jobs)
        .keyBy(({ name }) => name)
        .window(tumbling(milliseconds(10_000)))
        .aggregate((on) =>
          on.custom({
            create: () => 0,
            add: (a, j) => a + j.n,
            merge: (a, b) => {
              if (broken.size > 0 && a + b === 13) throw new Error("thirteen");
              return a + b;
            },
            result: (a) => a,
          }),
        )
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
    broken = new Set(["bad", "sum 11"]);
    await using driver = await testDriver(stages);
    await driver.send(
      jobs,
      at(100, { name: "a", n: 1 }),
      at(200, { name: "bad", n: 10 }),
      at(5_000, { name: "b", n: 5 }),
    );
    broken = new Set(["sum 11"]);
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
              if (broken.has("merge") && a + b === 13) throw new Error("thirteen");
              return a + b;
            },
            result: (a) => a,
          }),
        )
        .to(out.from(({ key, value }) => `${key} ${value}`)),
    );
    broken = new Set(["bad x", "bad y", "merge"]);
    await using driver = await testDriver(merging);
    const job = (key: string, name: string, n: number) => at(1_000, { name: `${name} ${key}`, n }, { key });
    await driver.send(keyed, job("x", "a", 6), job("x", "bad", 7), job("y", "bad", 1));
    broken = new Set(["merge"]);
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
