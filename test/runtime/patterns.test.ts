/** Patterns in a stream: order and time, what is late, what times out, what is kept. What matches what is in test/operators/pattern-cases.ts. */

import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  operator,
  type PatternOptions,
  type Placed,
  seconds,
  stream,
  type TestDriver,
  testDriver,
  topic,
} from "millrace";
import { describe, expect, test } from "vitest";

type Step = { readonly id: string; readonly kind: string; readonly n: number };

const steps = topic("steps", { value: json<Step>(), watermark: boundedOutOfOrderness(seconds(1_000)), partitions: 2 });
const out = topic("out", { value: json<string>(), partitions: 1 });
const late = topic("late", { value: json<Step>(), partitions: 1 });
const byId = stream(steps).keyBy(({ id }) => id);

const step = (timestampMs: number, kind: string, n = timestampMs, id = "x"): Placed<Step> =>
  at(timestampMs, { id, kind, n });
const is = (kind: string) => (element: Step) => element.kind === kind;

/** What came out, each with its timestamp. */
const results = async (driver: TestDriver) =>
  (await driver.readRecords(out)).map(({ value, timestampMs }) => `${value} @${timestampMs}`);

describe("time", () => {
  const pairs = operator(
    "pairs",
    byId
      .pattern((p) => p.begin("a", is("a")).next("b", is("b")).within(milliseconds(10)))
      .lateTo(late)
      .timedOut(({ a, b }, { key, timestampMs }) => `${key} ${a?.n} ${b?.n} in vain at ${timestampMs}`)
      .select(
        ({ a, b }, { key, timestampMs, processingTimeMs }) => `${key} ${a.n} ${b.n} ${processingTimeMs > timestampMs}`,
      )
      .to(out),
  );

  test("elements are matched in order of time when the watermark has passed them, those of one time in order of arrival", async () => {
    await using driver = await testDriver(pairs);
    await driver.send(steps, step(5, "b"), step(3, "a"), step(5, "a", 6), step(7, "b"), step(7, "a", 8));
    await driver.advanceWatermark(6);
    expect(await results(driver)).toEqual(["x 3 5 true @5"]);
    await driver.advanceWatermark(7);
    expect(await results(driver)).toEqual(["x 3 5 true @5", "x 6 7 true @7"]);
  });

  test("an element is late when the watermark has reached its timestamp, as in Flink", async () => {
    await using driver = await testDriver(pairs);
    await driver.advanceWatermark(5);
    await driver.send(steps, step(5, "a"), step(6, "a"), step(4, "b"), step(7, "b"));
    await driver.advanceWatermark(7);
    expect(await results(driver)).toEqual(["x 6 7 true @7"]);
    expect((await driver.read(late)).map(({ n }) => n)).toEqual([5, 4]);
    expect(driver.late).toBe(2);
  });

  test("a match is shorter than within; what is over times out at its first element's time and within", async () => {
    await using driver = await testDriver(pairs);
    await driver.send(steps, step(0, "a"), step(9, "b"), step(20, "a"), step(30, "b"), step(40, "a"));
    await driver.advanceWatermark(49);
    // Nothing but a b may follow, so that what meets an a is over before its time.
    expect(await results(driver)).toEqual(["x 0 9 true @9", "x 20 undefined in vain at 30 @30"]);
    await driver.advanceWatermark(50);
    expect((await results(driver)).at(-1)).toEqual("x 40 undefined in vain at 50 @50");
  });

  test("time-outs come in order of time between elements, however far the watermark jumps", async () => {
    const any = operator(
      "any",
      byId
        .pattern((p) => p.begin("a", is("a")).followedByAny("b", is("b")).within(milliseconds(10)))
        .timedOut(({ a }) => `${a?.n} in vain`)
        .select(({ a, b }) => `${a.n} ${b.n}`)
        .to(out),
    );
    const elements = [step(0, "a"), step(5, "a"), step(12, "b"), step(15, "b"), step(18, "a")];
    const expected = ["0 in vain @10", "5 12 @12", "5 in vain @15", "18 in vain @28"];
    for (const stepMs of [1, 7, 100]) {
      await using driver = await testDriver(any);
      await driver.send(steps, ...elements);
      for (let watermarkMs = 0; watermarkMs < 100; watermarkMs += stepMs)
        await driver.advanceWatermark(watermarkMs + stepMs);
      expect(await results(driver)).toEqual(expected);
    }
  });

  test("a match that had to wait for an earlier one has the timestamp of what let it go", async () => {
    const patient = operator(
      "patient",
      byId
        .pattern((p) =>
          p
            .begin("a", is("a"))
            .followedBy("b", (b, { a }) => b.kind === "b" && b.n === a.n)
            .within(milliseconds(10))
            .afterMatch("to-next"),
        )
        .select(({ a, b }) => `${a.n} ${b.n}`)
        .to(out),
    );
    await using driver = await testDriver(patient);
    await driver.send(steps, step(0, "a", 1), step(1, "a", 2), step(2, "b", 2));
    await driver.advanceWatermark(9);
    expect(await results(driver)).toEqual([]);
    await driver.advanceWatermark(100);
    expect(await results(driver)).toEqual(["2 2 @10"]);
  });

  test("in processing time elements are matched at once, and the clock ends what takes too long", async () => {
    const byClock = operator(
      "by-clock",
      byId
        .pattern((p) => p.begin("a", is("a")).followedBy("b", is("b")).within(seconds(10)), { time: "processing" })
        .timedOut(({ a }) => `${a?.n} in vain`)
        .select(({ a, b }) => `${a.n} ${b.n}`)
        .to(out),
    );
    await using driver = await testDriver(byClock, { startMs: 1_000_000 });
    await driver.send(steps, step(9, "a"), step(5, "b"), step(3, "a"));
    expect(await results(driver)).toEqual(["9 5 @1000000"]);
    await driver.advanceClock(seconds(9));
    expect(await driver.read(out)).toHaveLength(1);
    await driver.advanceClock(seconds(1));
    expect((await results(driver)).slice(1)).toEqual(["3 in vain @1010000"]);
  });
});

describe("conditions", () => {
  test("see what was taken before: an element, undefined for none, an array where there may be several, and their own so far", async () => {
    const seen: string[] = [];
    const looking = operator(
      "looking",
      byId
        .pattern((p) =>
          p
            .begin("a", is("a"))
            .followedBy("b", is("b"))
            .optional()
            .followedBy("c", (element, { a, b, c }, { timestampMs }) => {
              if (element.kind === "c") seen.push(`${a.n} ${b?.n} ${c.map(({ n }) => n)} at ${timestampMs}`);
              return element.kind === "c";
            })
            .oneOrMore()
            .followedBy("d", (element, { c }) => element.kind === "d" && element.n === c.length),
        )
        .select(({ a, b, c, d }) => `${a.n} ${b?.n} ${c.map(({ n }) => n)} ${d.n}`)
        .to(out),
    );
    await using driver = await testDriver(looking, { strict: false });
    await driver.send(steps, step(1, "a"), step(2, "b"), step(3, "c"), step(4, "c"), step(5, "d", 2));
    await driver.advanceWatermark(10);
    expect((await driver.read(out)).sort()).toEqual(["1 2 3,4 2", "1 undefined 3,4 2"]);
    expect(seen.sort()).toEqual(["1 2  at 3", "1 2 3 at 4", "1 undefined  at 3", "1 undefined 3 at 4"]);
  });

  test("that look at the element alone are asked once for each, the others once for each partial match", async () => {
    const asked = { alone: 0, back: 0 };
    const asking = operator(
      "asking",
      byId
        .pattern((p) =>
          p
            .begin("a", is("a"))
            .followedByAny("b", (element) => {
              asked.alone++;
              return element.kind === "b";
            })
            .followedByAny("c", (element, { a }) => {
              asked.back++;
              return element.kind === "c" && a.n > 0;
            }),
        )
        .select(() => "match")
        .to(out),
    );
    await using driver = await testDriver(asking, { strict: false });
    await driver.send(steps, step(1, "a"), step(2, "a"), step(3, "b"), step(4, "c"));
    await driver.advanceWatermark(10);
    expect(await driver.read(out)).toEqual(["match", "match"]);
    expect(asked).toEqual({ alone: 3, back: 2 });
  });

  test("are joined from the left: a and b or c", async () => {
    const joined = operator(
      "joined",
      byId
        .pattern((p) =>
          p
            .begin("x", is("a"))
            .where(({ n }) => n > 10)
            .or(is("c"))
            .where(({ n }) => n !== 13),
        )
        .select(({ x }) => `${x.kind}${x.n}`)
        .to(out),
    );
    await using driver = await testDriver(joined);
    await driver.send(steps, step(1, "a", 9), step(2, "a", 11), step(3, "c", 9), step(4, "c", 13), step(5, "b", 11));
    await driver.advanceWatermark(10);
    expect(await driver.read(out)).toEqual(["a11", "c9"]);
  });

  test("meet NaN, −0 and what else JSON does not keep as it was", async () => {
    const odd = operator(
      "odd",
      byId
        .map(({ id, n }) => ({
          id,
          n: n === 1 ? Number.NaN : n === 2 ? -0 : n,
          big: 2n ** 70n,
          bytes: new Uint8Array([n]),
        }))
        .keyBy(({ id }) => id, { name: "again" })
        .pattern((p) => p.begin("a").next("b", (b, { a }) => Number.isNaN(a.n) && Object.is(b.n, -0)))
        .select(({ a, b }) => `${a.n} ${1 / b.n} ${a.big === b.big} ${b.bytes}`)
        .to(out),
    );
    await using driver = await testDriver(odd, { restartAfterEveryBatch: true });
    for (const n of [1, 2, 3]) {
      await driver.send(steps, step(n, "a", n));
      await driver.advanceWatermark(n);
    }
    expect(await driver.read(out)).toEqual(["NaN -Infinity true 2"]);
  });
});

describe("what is kept", () => {
  const tail = (options?: PatternOptions) =>
    operator(
      "tail",
      byId
        .pattern(
          (p) => p.begin("a", is("a")).followedBy("b", is("b")).oneOrMore().followedBy("c", is("c")).within(seconds(1)),
          options,
        )
        .select(({ b }) => `${b.map(({ n }) => n)}`)
        .to(out),
    );

  test("has each element once, and nothing of a key without a partial match", async () => {
    const operator = tail();
    await using driver = await testDriver(operator);
    await driver.send(steps, step(1, "a"), step(2, "b"), step(3, "b"), step(4, "a"), step(5, "b"), step(6, "o"));
    await driver.advanceWatermark(10);
    const cells = await driver.state(operator, "x");
    const kept = cells.map(({ value }) => JSON.stringify(value)).filter((text) => text.includes("kind"));
    expect(kept).toHaveLength(5);
    await driver.advanceWatermark(1_004);
    expect(await driver.state(operator)).toEqual([]);
  });

  test("does not grow with what no partial match has any more", async () => {
    const operator = tail();
    await using driver = await testDriver(operator);
    let most = 0;
    for (let n = 0; n < 60; n++) {
      await driver.send(steps, ...Array.from({ length: 10 }, (_, i) => step(100 * n + i, i === 0 ? "a" : "b")));
      await driver.advanceWatermark(100 * n + 50);
      most = Math.max(most, (await driver.state(operator)).length);
    }
    // A second of elements is 100, and as many may not have been looked for yet.
    expect(most).toBeLessThan(250);
  });

  test("is bounded: an element that would make too many partial matches is a dead letter, and the others are matched", async () => {
    const operator = tail({ partialMatchesMax: 4 });
    await using driver = await testDriver(operator);
    const many = Array.from({ length: 6 }, (_, i) => step(i, "a"));
    await driver.send(steps, ...many, step(7, "a", 7, "y"), step(8, "b", 8, "y"), step(9, "c", 9, "y"));
    await driver.advanceWatermark(20);
    expect(await driver.read(out)).toEqual(["8"]);
    const letters = await driver.deadLetters(operator);
    expect(
      letters.map(({ step, value }) => [step, JSON.parse(new TextDecoder().decode(value as Uint8Array)).n]),
    ).toEqual([
      ["pattern", 4],
      ["pattern", 5],
    ]);
    expect(letters[0]?.reason).toContain(
      "the element would give its key more than 4 partial matches, or 100 elements in them",
    );
  });

  test("is bounded in elements too", async () => {
    const long = operator(
      "long",
      byId
        .pattern((p) => p.begin("a", is("a")).followedBy("b", is("b")).oneOrMore().greedy().followedBy("c", is("c")), {
          partialMatchesMax: 2,
        })
        .select(({ b }) => `${b.length}`)
        .to(out),
    );
    await using driver = await testDriver(long);
    await driver.send(steps, step(0, "a"), ...Array.from({ length: 60 }, (_, i) => step(i + 1, "b")), step(70, "c"));
    await driver.advanceWatermark(100);
    // The a and 49 of the others have a place; the c completes them, so that they need none any more.
    expect(await driver.deadLetters(long)).toHaveLength(11);
    expect(await driver.read(out)).toEqual(["49"]);
  });
});
