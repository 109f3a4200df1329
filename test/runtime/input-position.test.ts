/** Input that is not where it should be: holes are fetched, markers passed, and what is gone is an error, never silence. */

import { boundedOutOfOrderness, json, milliseconds, operator, seconds, stream, text, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { decodeBundle } from "../../lib/wire/bundle.ts";
import { World } from "./environments.ts";

const words = topic("words", { key: text(), value: text() });
const totals = topic("totals", { key: text(), value: json<number>() });

const counting = operator(
  "counting",
  stream(words)
    .keyedByTopicKey()
    .count()
    .to(totals.from(({ value }) => value)),
);

const inputs = (...values: string[]) => values.map((value) => ({ key: "k", value }));

describe("an event that starts above checkpoint + 1", () => {
  test("has the hole fetched and processed first", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", ...inputs("a", "b", "c", "d", "e"));
    const environment = world.environment();
    await environment.deliver("words", 0, 1);
    await environment.deliver("words", 3);
    expect(await world.texts("totals")).toEqual(["1", "2", "3", "4", "5"]);
    expect(world.reports.at(-1)).toMatchObject({ records: 4, checkpoint: 4 });
  });

  test("has what came before it processed too, where the task begins", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", ...inputs("a", "b", "c"));
    await world.environment().deliver("words", 2);
    expect(await world.texts("totals")).toEqual(["1", "2", "3"]);
  });

  test("has a large hole processed in several commits, so that a whole topic before it need not fit into memory", async () => {
    const world = await new World([counting]).createTopics();
    const large = "x".repeat(900_000);
    for (let i = 0; i < 12; i++) await world.write("words", ...inputs(large));
    await world.write("words", ...inputs("last"));
    await world.environment().deliver("words", 12);
    expect(await world.texts("totals")).toEqual(Array.from({ length: 13 }, (_, i) => String(i + 1)));
    const records = world.reports.map((report) => report.records);
    expect(records.length).toBeGreaterThan(2);
    expect(Math.max(...records)).toBeLessThan(7);
    expect(world.reports.at(-1)).toMatchObject({ checkpoint: 12 });
    // Again: nothing is left to do.
    await world.environment().deliver("words", 12);
    expect(world.reports).toHaveLength(records.length);
  });

  test("is where a task begins that asks for the latest", async () => {
    const latest = operator(
      "latest",
      stream(words, { startAt: "latest" })
        .keyedByTopicKey()
        .count()
        .to(totals.from(({ value }) => value)),
    );
    const world = await new World([latest]).createTopics();
    await world.write("words", ...inputs("a", "b", "c"));
    await world.environment().deliver("words", 2);
    expect(await world.texts("totals")).toEqual(["1"]);
  });

  test("goes on where nothing but control markers lies between", async () => {
    const world = await new World([counting], { controlMarkers: true }).createTopics();
    const utf8 = (string: string) => new TextEncoder().encode(string);
    for (const [sequenceNumber, value] of ["a", "b", "c"].entries())
      await world.broker.produceExactlyOnce(
        [
          {
            topic: "words",
            partition: 0,
            records: [{ key: utf8("k"), value: utf8(value), timestampMs: 1, headers: [] }],
          },
        ],
        { transactionalId: "t", sequenceNumber },
      );
    const environment = world.environment();
    for (const offset of [0, 2, 4]) await environment.deliver("words", offset, offset + 1);
    expect(await world.texts("totals")).toEqual(["1", "2", "3"]);
    expect(world.reports.at(-1)?.checkpoint).toBe(4);
  });

  test("is an error where the records between are gone, and nothing is committed", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", ...inputs("a", "b", "c", "d"));
    await world.environment().deliver("words", 0, 1);
    await world.broker.deleteRecords("words", 0, 3);
    await expect(world.environment().deliver("words", 3)).rejects.toThrow(
      /^Records 1 to 2 of words-0 are gone before counting processed them \(retention\): the topic begins at 3\./,
    );
    expect(await world.head("words")).toBe(1);
  });

  test("is no error where another writer processed them before they were gone, while this one looked at its log", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", ...inputs("a", "b", "c", "d"));
    await world.environment().deliver("words", 0, 1);
    const slow = world.environment({
      broker: {
        offsetRange: async (name, partition) => {
          if ((await world.head("words")) === 1) {
            await world.environment().deliver("words", 1, 3);
            await world.broker.deleteRecords("words", 0, 3);
          }
          return world.broker.offsetRange(name, partition);
        },
      },
    });
    await slow.deliver("words", 3);
    expect(new Set(await world.texts("totals"))).toEqual(new Set(["1", "2", "3", "4"]));
  });

  test("is no error either for who begins, and is overtaken by all of it", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", ...inputs("a", "b", "c", "d"));
    const slow = world.environment({
      broker: {
        fetch: async (name, partition, offset, limits) => {
          if ((await world.head("words")) === 0) {
            await world.environment().deliver("words", 0, 3);
            await world.broker.deleteRecords("words", 0, 3);
          }
          return world.broker.fetch(name, partition, offset, limits);
        },
      },
    });
    await slow.deliver("words", 3);
    expect(new Set(await world.texts("totals"))).toEqual(new Set(["1", "2", "3", "4"]));
  });

  test("is no error where they were gone before the task began", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", ...inputs("a", "b", "c"));
    await world.broker.deleteRecords("words", 0, 1);
    await world.environment().deliver("words", 1);
    expect(await world.texts("totals")).toEqual(["1", "2"]);
  });

  test("is an error where the broker does not give what it says it has", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", ...inputs("a", "b", "c"));
    const silent = world.environment({
      broker: {
        fetch: async (name, partition, offset) => {
          const { records } = await world.broker.fetch(name, partition, offset, { bytesMax: 1, recordsMax: 1 });
          return { records: { ...records, count: 0 }, nextOffset: offset };
        },
      },
    });
    await expect(silent.deliver("words", 2)).rejects.toThrow(/Records 0 to 1 of words-0/);
    expect(await world.head("words")).toBe(0);
  });
});

describe("what was processed already", () => {
  test("is skipped where a batch overlaps", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", ...inputs("a", "b", "c", "d"));
    const environment = world.environment();
    await environment.deliver("words", 0, 3);
    await environment.deliver("words", 1);
    await world.environment().deliver("words", 0);
    expect(new Set(await world.texts("totals"))).toEqual(new Set(["1", "2", "3", "4"]));
    expect(await world.head("words")).toBe(2);
  });
});

describe("a topic that was deleted and created again", () => {
  const recreated = async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", ...inputs("a", "b", "c"));
    await world.environment().deliver("words", 0);
    await world.createTopics();
    return world;
  };
  const SENTENCE = /^Topic words-0 ends at offset \d, but counting has processed up to 2: .* created again/;

  test("is an error when its records come", async () => {
    const world = await recreated();
    await world.write("words", ...inputs("x"));
    await expect(world.environment().deliver("words", 0)).rejects.toThrow(SENTENCE);
    expect(await world.head("words")).toBe(1);
  });

  test("is an error when a tick looks at it", async () => {
    const world = await recreated();
    await expect(world.environment().tick("words")).rejects.toThrow(SENTENCE);
  });
});

describe("a partition that lags", () => {
  const source = topic("clicks", {
    value: text(),
    watermark: boundedOutOfOrderness(milliseconds(0), { idleAfter: seconds(3) }),
  });
  const windows = operator(
    "windows",
    stream(source)
      .keyBy((user) => user)
      .window(tumbling(seconds(5)))
      .count()
      .to(totals.from(({ value }) => value)),
  );
  const isIdle = async (world: World) =>
    (await world.read("windows--by-key")).map(({ value }) => decodeBundle(value).idle).at(-1) ?? false;

  test("is not idle, however long it takes, as there is something to read", async () => {
    const world = await new World([windows]).createTopics();
    await world.write("clicks", { value: "a", timestampMs: 1_000 }, { value: "b", timestampMs: 60_000 });
    const environment = world.environment();
    await environment.deliver("clicks", 0, 1);
    for (let i = 0; i < 5; i++) {
      world.nowMs += 10_000;
      await environment.tick("clicks");
    }
    expect(await isIdle(world)).toBe(false);
    await environment.deliver("clicks", 1);
    world.nowMs += 3_000;
    await environment.tick("clicks");
    expect(await isIdle(world)).toBe(false);
    world.nowMs += 1;
    await environment.tick("clicks");
    expect(await isIdle(world)).toBe(true);
  });

  test("is idle where nothing but control markers is left", async () => {
    const world = await new World([windows], { controlMarkers: true }).createTopics();
    await world.broker.produceExactlyOnce(
      [
        {
          topic: "clicks",
          partition: 0,
          records: [{ key: null, value: new TextEncoder().encode("a"), timestampMs: 1_000, headers: [] }],
        },
      ],
      { transactionalId: "t", sequenceNumber: 1 },
    );
    const environment = world.environment();
    await environment.deliver("clicks", 0, 1);
    world.nowMs += 3_001;
    await environment.tick("clicks");
    expect(await isIdle(world)).toBe(true);
  });
});
