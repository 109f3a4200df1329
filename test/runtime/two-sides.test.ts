/** What tasks that read two sides do with their bundles: dead letters, time, repeats, and deliveries in any order. */

import fc from "fast-check";
import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  operator,
  seconds,
  stream,
  testDriver,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import { World } from "./environments.ts";

type Element = { readonly id: string; readonly n: number };

const watermark = boundedOutOfOrderness(milliseconds(0));
const elements = topic("elements", { value: json<Element>(), watermark, partitions: 2 });
const others = topic("others", { value: json<Element>(), watermark, partitions: 2 });
const thirds = topic("thirds", { value: json<Element>(), watermark, partitions: 1 });
const out = topic("out", { value: json<string>() });
const of = (n: number, id = "a") => at(n, { id, n });
const idOf = ({ id }: Element) => id;

describe("a dead letter tells the side of its element", () => {
  let broken = true;
  const refuse = (side: string) => (element: Element) => {
    if (broken && element.n === 1) throw new Error(`${side} is broken`);
    return element;
  };
  // One record of the source feeds both sides, so that both of its elements stand at the same place of the same bundle.
  const patient = stream(elements, { watermark: boundedOutOfOrderness(seconds(1)) });
  const both = (onError: "dead-letter" | "fail") =>
    operator(
      { name: "both", onError },
      patient
        .keyBy(idOf)
        .map(refuse("left"))
        .intervalJoin(
          patient
            .map((element) => element)
            .keyBy(idOf)
            .map(refuse("right")),
        )
        .between(milliseconds(0), milliseconds(0))
        .map((left, right) => `${left.n}-${right.n}`)
        .to(out),
    );

  test("and each is redriven on its own side", async () => {
    broken = true;
    const handler = both("dead-letter");
    await using driver = await testDriver(handler);
    await driver.send(elements, of(0), of(1), of(2));
    expect(await driver.read(out)).toEqual(["0-0", "2-2"]);
    const letters = await driver.deadLetters(handler);
    expect(letters.map(({ offset, kind, reason }) => [offset.replace(/^\d+/, "n"), kind, reason])).toEqual([
      ["n/0:1", "element", "left is broken"],
      ["n/1:1", "element", "right is broken"],
    ]);
    expect(letters.map(({ detail }) => detail)).toMatchObject([{ side: 0 }, { side: 1 }]);
    broken = false;
    await driver.redrive(handler, ({ detail }) => detail?.kind === "element" && detail.side === 1);
    expect(await driver.read(out)).toEqual(["0-0", "2-2"]);
    await driver.redrive(handler);
    expect(await driver.read(out)).toEqual(["0-0", "2-2", "1-1"]);
  });

  test("and so does the sentence of a partition that stops", async () => {
    broken = true;
    await using driver = await testDriver(both("fail"));
    await expect(driver.send(elements, of(1))).rejects.toThrow(
      /^Operator both stopped at both--by-key-0, offset \d+\/0, element 0, in map: left is broken/,
    );
  });
});

describe("the watermark of both sides", () => {
  const joined = (idleAfterMs?: number) => {
    const strategy =
      idleAfterMs === undefined
        ? watermark
        : boundedOutOfOrderness(milliseconds(0), { idleAfter: milliseconds(idleAfterMs), whenIdle: "wait" });
    const read = (from: typeof elements) => stream(from, { watermark: strategy });
    return operator(
      "joined",
      read(elements)
        .union(read(thirds))
        .keyBy(idOf)
        .coGroup(read(others).keyBy(idOf))
        .window(tumbling(milliseconds(10)))
        .flatMap((some, more) => [`${some.map(({ n }) => n)}|${more.map(({ n }) => n)}`])
        .to(out),
    );
  };

  test("is the minimum over all partitions of all topics of both, also of those of a union", async () => {
    await using driver = await testDriver(joined(), { partitions: "declared" });
    await driver.send(elements, of(1));
    await driver.send(others, of(2));
    await driver.send(thirds, of(3));
    const late = (source: typeof elements, partition: number) =>
      driver.send(source, at(11, { id: "z", n: 11 }, { partition }));
    const places = [elements, elements, others, others, thirds].map((source, i) => [source, i % 2] as const);
    for (const [source, partition] of places.slice(0, -1)) await late(source, partition);
    expect(await driver.read(out)).toEqual([]);
    await late(thirds, 0);
    expect(await driver.read(out)).toEqual(["1,3|2"]);
  });

  test("leaves out the partitions that are idle, and goes on without a side that is", async () => {
    await using driver = await testDriver(joined(100), { partitions: "declared", startMs: 0 });
    await driver.send(elements, at(1, { id: "a", n: 1 }, { partition: 0 }));
    await driver.advanceClock(seconds(1));
    // All were idle: the watermark is the greatest that any of them reached.
    await driver.send(elements, at(50, { id: "a", n: 50 }, { partition: 0 }));
    expect(await driver.read(out)).toEqual(["1|"]);
    // A side that comes back counts when it has reached the others, and what is late by then is late.
    await driver.send(others, at(5, { id: "a", n: 5 }, { partition: 0 }));
    expect(driver.late).toBe(1);
    await driver.send(others, at(60, { id: "a", n: 60 }, { partition: 0 }));
    await driver.advanceWatermark(100);
    expect((await driver.read(out)).sort()).toEqual(["1|", "50|", "|60"]);
  });
});

test("L8, O3: pairs come once, however deliveries overlap, come back, and change their environment", async () => {
  // Nothing is late, as the bound is as wide as the elements are apart.
  const wide = boundedOutOfOrderness(milliseconds(100));
  const spread = (name: string) =>
    topic(name, { value: json<Element>(), timestampOf: ({ n }) => n % 100, watermark: wide, partitions: 1 });
  const joining = operator(
    "joining",
    stream(spread("lefts"))
      .keyBy(idOf)
      .intervalJoin(stream(spread("rights")).keyBy(idOf))
      .between(milliseconds(-20), milliseconds(20))
      .map((left, right) => `${left.n}-${right.n}`)
      .to(out),
  );
  const shuffle = "joining--by-key";
  const element = fc.record({ id: fc.constantFrom("a", "b"), n: fc.nat(99) });
  const delivery = fc.record({
    topic: fc.constantFrom("lefts", "rights"),
    from: fc.nat(7),
    count: fc.integer({ min: 1, max: 5 }),
    environment: fc.nat(2),
  });
  const eight = fc.array(element, { minLength: 8, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(eight, eight, fc.array(delivery, { maxLength: 10 }), async (lefts, rights, deliveries) => {
      const world = await new World([joining]).createTopics();
      // Told apart, although they may be equal.
      const numbered = (all: readonly Element[]) => all.map(({ id, n }, i) => ({ id, n: 100 * i + n }));
      const [some, more] = [numbered(lefts), numbered(rights)];
      await world.write("lefts", ...some.map((one) => ({ value: JSON.stringify(one) })));
      await world.write("rights", ...more.map((one) => ({ value: JSON.stringify(one) })));
      const environments = [0, 1, 2].map(() => world.environment());
      const deliver = async (from: string, first: number, to: number, environment: number) => {
        const high = (await world.broker.offsets(from))[0]?.high ?? 0;
        if (first < high) await environments[environment]?.deliver(from, first, Math.min(to, high));
      };
      for (const { topic, from, count, environment } of deliveries) {
        await deliver(topic, from, from + count, environment);
        await deliver(shuffle, from, from + count, environment);
      }
      for (const from of ["lefts", "rights"]) await deliver(from, 0, 8, 0);
      await deliver(shuffle, 0, Number.MAX_SAFE_INTEGER, 1);
      const once = new Map(
        (await world.read("out")).map(({ identity, value }) => [
          JSON.stringify(identity),
          JSON.parse(new TextDecoder().decode(value)) as string,
        ]),
      );
      const expected = some.flatMap((left) =>
        more
          .filter(({ id, n }) => id === left.id && Math.abs((n % 100) - (left.n % 100)) <= 20)
          .map((right) => `${left.n}-${right.n}`),
      );
      expect([...once.values()].sort()).toEqual(expected.sort());
    }),
    { numRuns: 100 },
  );
});
