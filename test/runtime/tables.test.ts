/** dynamoTable(): rows as outputs of a commit. */

import {
  at,
  boundedOutOfOrderness,
  days,
  dynamoTable,
  json,
  operator,
  seconds,
  stream,
  type TimeWindow,
  testDriver,
  text,
  topic,
  tumbling,
  type WindowResult,
} from "millrace";
import { describe, expect, test } from "vitest";
import { readTable } from "../../lib/local/read-table.ts";
import { encodeOutbox } from "../../lib/runtime/outbox.ts";
import { toText } from "../../lib/stream/describe.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import type { TableStore } from "../../lib/tables/table-store.ts";
import { World } from "./environments.ts";

const lines = topic("lines", { value: text(), watermark: boundedOutOfOrderness(seconds(0)) });
const prices = topic("prices", { value: json<{ id: string; price: number | null; at?: number; extra?: unknown }>() });

type Count = WindowResult<string, number, TimeWindow>;

const counts = dynamoTable("counts", {
  partitionKey: { name: "word", value: (r: Count) => r.key },
  sortKey: { name: "startMs", type: "number", value: (r) => r.window.startMs },
  item: (r) => ({ count: r.value }),
  ttl: days(30),
});
const countWords = operator(
  "count-words",
  stream(lines)
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word)
    .window(tumbling(seconds(10)), { emit: "updates" })
    .count()
    .to(counts),
);

type Price = { readonly id: string; readonly price: number | null; readonly at?: number; readonly extra?: unknown };
const newest = dynamoTable("newest", {
  partitionKey: (p: Price) => p.id,
  item: (p) => (p.price === null ? null : { price: p.price, extra: p.extra }),
});
const keepNewest = operator("keep-newest", stream(prices).to(newest));

const START = Date.UTC(2100, 0, 1);

describe("rows of a table", () => {
  test.each([false, true])("are upserted by key and window, with restarts after every batch: %s", async (restart) => {
    await using driver = await testDriver(countWords, { restartAfterEveryBatch: restart });
    await driver.send(lines, at(1_000, "to be or not to be"));
    await driver.send(lines, at(2_000, "to"), at(12_000, "to"));
    expect(await driver.readTable(counts)).toEqual([
      { word: "be", startMs: 0, count: 2 },
      { word: "not", startMs: 0, count: 1 },
      { word: "or", startMs: 0, count: 1 },
      { word: "to", startMs: 0, count: 3 },
      { word: "to", startMs: 10_000, count: 1 },
    ]);
  });

  test("expire so long after they were last written", async () => {
    await using driver = await testDriver(countWords);
    await driver.send(lines, at(1_000, "to be"));
    await driver.advanceClock(days(20));
    await driver.send(lines, at(1_001, "to"));
    await driver.advanceClock(days(10));
    expect((await driver.readTable(counts)).map(({ word }) => word)).toEqual(["to"]);
    await driver.advanceClock(days(20));
    expect(await driver.readTable(counts)).toEqual([]);
  });

  test("expire when a function of the element says so", async () => {
    const table = dynamoTable("t", { partitionKey: (p: Price) => p.id, ttl: (p) => p.at ?? Number.NaN });
    const expiring = operator("expiring", stream(prices).to(table));
    await using driver = await testDriver(expiring);
    await driver.send(prices, { id: "a", price: 1, at: START + 500 }, { id: "b", price: 1, at: START / 1_000 });
    expect(await driver.readTable(table)).toEqual([{ id: "a", pk: "a", price: 1, at: START + 500 }]);
    await driver.advanceClock(1_000);
    expect(await driver.readTable(table)).toEqual([]);
    expect((await driver.deadLetters(expiring)).map(({ reason }) => reason)).toEqual([
      'Table "t": a time to live ends at a time in epoch milliseconds, after 1999, not at 4102444800.',
    ]);
  });

  test("are deleted by null, written again, and the last one of a commit counts", async () => {
    await using driver = await testDriver(keepNewest);
    await driver.send(prices, { id: "a", price: 1 }, { id: "b", price: 1 });
    await driver.send(prices, { id: "a", price: null }, { id: "b", price: null }, { id: "b", price: 3 });
    expect(await driver.readTable(newest)).toEqual([{ pk: "b", price: 3 }]);
    await driver.send(prices, { id: "a", price: 4 }, { id: "b", price: 5 }, { id: "b", price: null });
    expect(await driver.readTable(newest)).toEqual([{ pk: "a", price: 4 }]);
    expect(driver.reports.map(({ outputs }) => outputs)).toEqual([0, 2, 2, 2]);
  });

  test("that DynamoDB would refuse are dead letters, and their neighbours go on", async () => {
    const table = dynamoTable("t", { partitionKey: (p: Price) => p.id, item: (p) => p.extra as object | null });
    const writing = operator(
      "writing",
      stream(prices)
        .map((p) => ({ ...p, extra: extras[p.id] }))
        .to(table),
    );
    const extras: Record<string, unknown> = {
      nan: { list: [1, Number.NaN] },
      date: { at: new Date(0) },
      long: { text: "x".repeat(410_000) },
      text: "not an object",
      own: { millrace: 1 },
      ttl: { ttl: 5 },
      key: { pk: "other" },
      gone: { list: [undefined] },
      deep: Array.from({ length: 40 }).reduce((inner) => ({ inner }), {} as unknown),
      half: { text: "\ud800" },
      "": {},
    };
    await using driver = await testDriver(writing, { strict: false });
    await driver.send(prices, ...["fine", ...Object.keys(extras), "x".repeat(2_049)].map((id) => ({ id, price: 1 })));
    expect(await driver.readTable(table)).toEqual([]);
    const reasons = (await driver.deadLetters(writing)).map(({ reason, step }) => `${step}: ${reason}`);
    const form =
      "for which DynamoDB has no attribute; use strings, numbers, bigints, booleans, null, Uint8Array, and arrays and objects of these.";
    expect(reasons).toEqual([
      'table t: Table "t": an item is an object or null, not undefined.',
      `table t: the item.list[1] is NaN, ${form}`,
      `table t: the item.at is a Date, ${form}`,
      expect.stringMatching(/^table t: Table "t": an item of 410\d+ bytes is too large; DynamoDB takes 409600\.$/),
      'table t: Table "t": an item is an object or null, not string.',
      'table t: Table "t": the item has an attribute "millrace", which rows have for themselves.',
      `table t: Table "t": the item has an attribute "ttl", by which DynamoDB would delete it; use the table's ttl.`,
      'table t: Table "t": the item has an attribute "pk", which is the key and says something else.',
      `table t: the item.list[0] is undefined, ${form}`,
      expect.stringContaining("lies more than 32 levels deep, or in itself"),
      `table t: the item.text holds half of a surrogate pair, ${form}`,
      'table t: Table "t": a partition key is empty; DynamoDB takes none.',
      'table t: Table "t": a partition key of 2049 bytes is too long; DynamoDB takes 2048.',
    ]);
  });

  test("whose key is of another type are dead letters", async () => {
    const table = dynamoTable("t", {
      partitionKey: { type: "number", value: (p: Price) => p.price as number },
      sortKey: { type: "binary", value: (p) => p.extra as Uint8Array },
    });
    const writing = operator("writing", stream(prices).to(table));
    await using driver = await testDriver(writing);
    await driver.send(prices, { id: "a", price: null }, { id: "b", price: 1, extra: "x" });
    expect((await driver.deadLetters(writing)).map(({ reason }) => reason)).toEqual([
      'Table "t": the partition key "pk" is of type number, and a value is null.',
      'Table "t": the sort key "sk" is of type binary, and a value is a string.',
    ]);
  });

  test("are written by a redrive as well", async () => {
    let broken = true;
    const table = dynamoTable("t", {
      partitionKey: (p: Price) => p.id,
      item: (p) => {
        if (broken) throw new Error("not yet");
        return p;
      },
    });
    const writing = operator("writing", stream(prices).to(table));
    await using driver = await testDriver(writing);
    await driver.send(prices, { id: "a", price: 1 });
    expect(await driver.readTable(table)).toEqual([]);
    broken = false;
    expect(await driver.redrive(writing)).toMatchObject([{ outcome: "redriven" }]);
    expect(await driver.readTable(table)).toEqual([{ pk: "a", id: "a", price: 1 }]);
  });
});

test("what the store of tables charges is in the task's next report", async () => {
  const world = await new World([keepNewest]).createTopics();
  const price = (id: string) => ({ value: JSON.stringify({ id, price: 1 }) });
  await world.write("prices", price("a"), price("b"), price("c"));
  let charged = 0;
  const environment = world.environment({
    tables: {
      put: async (table, rows, version) => {
        await world.tables.put(table, rows, version);
        charged += rows.length;
      },
      takeUnits: () => {
        const units = { read: 0, write: charged };
        charged = 0;
        return units;
      },
    },
  });
  await environment.deliver("prices", 0, 2);
  await environment.deliver("prices", 2);
  expect(world.reports.map(({ tableUnits }) => tableUnits?.write)).toEqual([0, 2]);
});

describe("a crash while rows are put", () => {
  const crash = async (): Promise<never> => {
    throw new Error("crashed");
  };
  const worldOf = async () => {
    const world = await new World([keepNewest]).createTopics();
    const price = (id: string, price: number | null) => ({ value: JSON.stringify({ id, price }) });
    await world.write("prices", price("a", 1), price("b", 1), price("a", 2), price("b", null), price("c", 2));
    return world;
  };
  const rowsOf = async ({ tables, topology, nowMs }: World) =>
    (await readTable(tables, topology.tables[0]!, nowMs)).map(({ key, attributes }) => [key.pk, attributes.price]);

  test("before the first of them: whoever comes next puts them, before its own", async () => {
    const world = await worldOf();
    await expect(world.environment({ tables: { put: crash } }).deliver("prices", 0, 2)).rejects.toThrow("crashed");
    expect(await rowsOf(world)).toEqual([]);
    const order: string[] = [];
    const next = world.environment({
      tables: {
        put: async (table, rows, version) => {
          order.push(`${version.order.split(".")[2]}: ${rows.length}`);
          await world.tables.put(table, rows, version);
        },
      },
    });
    await next.deliver("prices", 2);
    expect(order).toEqual(["0000000000000001: 2", "0000000000000002: 3"]);
    expect(await rowsOf(world)).toEqual([
      ["a", 2],
      ["c", 2],
    ]);
  });

  test("between two of them: a tick is enough to put the others", async () => {
    const world = await worldOf();
    const half: TableStore["put"] = async (table, rows, version) => {
      await world.tables.put(table, rows.slice(0, 1), version);
      return crash();
    };
    await expect(world.environment({ tables: { put: half } }).deliver("prices", 0, 2)).rejects.toThrow("crashed");
    expect(await rowsOf(world)).toEqual([["a", 1]]);
    await world.environment().tick("prices");
    expect(await rowsOf(world)).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
    expect(await world.head("prices")).toBe(1);
  });

  test("by a zombie that puts its commit after the next one: nothing changes, and what was deleted stays so", async () => {
    const world = await worldOf();
    const late: (() => Promise<void>)[] = [];
    const zombie = world.environment({
      tables: {
        put: async (...put) => {
          late.push(() => world.tables.put(put[0], put[1], put[2]));
          return crash();
        },
      },
    });
    await expect(zombie.deliver("prices", 0, 2)).rejects.toThrow("crashed");
    await world.environment().deliver("prices", 2);
    const before = await rowsOf(world);
    expect(before).toEqual([
      ["a", 2],
      ["c", 2],
    ]);
    for (const put of late) await put();
    expect(late).toHaveLength(1);
    expect(await rowsOf(world)).toEqual(before);
  });
});

describe("a topology with tables", () => {
  test("names them, with their keys and who writes them", () => {
    const topology = buildTopology("shop", [countWords.definition]);
    expect(topology.tables).toEqual([
      {
        name: "counts",
        partitionKey: { name: "word", type: "string" },
        sortKey: { name: "startMs", type: "number" },
        ttlAttribute: "ttl",
      },
    ]);
    expect(topology.functions.map(({ tableOutputs, commits }) => [tableOutputs.length, commits])).toEqual([
      [0, true],
      [1, true],
    ]);
    expect(toText(topology)).toContain("writes  table counts\n");
    expect(toText(topology)).toContain("tables\n  counts  key word (string), startMs (number)");
  });

  test("commits where nothing else would ask for it", () => {
    expect(buildTopology("shop", [keepNewest.definition]).functions[0]?.commits).toBe(true);
  });

  test("refuses two tables of one name with different keys", () => {
    const other = operator(
      "other",
      stream(prices).to(dynamoTable("newest", { partitionKey: { name: "id", value: (p) => p.id } })),
    );
    expect(() => buildTopology("shop", [keepNewest.definition, other.definition])).toThrow(
      /^Operator "keep-newest" \(.*\) and operator "other" \(.*\) write two tables called "newest" with different keys; declare it once and import it\.$/,
    );
  });

  test.each([
    [() => dynamoTable("a b", { partitionKey: String }), 'Table "a b": a name is made of 1 to 100 letters'],
    [() => dynamoTable("t", {} as never), 'Table "t": it needs a partitionKey, such as'],
    [() => dynamoTable("t", { partitionKey: { name: "ttl", value: String } }), 'a key cannot be called "ttl".'],
    [() => dynamoTable("t", { partitionKey: { type: "S" as never, value: String } }), `a key's type is "string"`],
    [
      () => dynamoTable("t", { partitionKey: { name: "sk", value: String }, sortKey: String }),
      'both of its keys are called "sk".',
    ],
    [() => dynamoTable("t", { partitionKey: String, ttl: seconds(0) }), "ttl must be above zero, not 0 ms."],
    [() => dynamoTable("t", { partitionKey: "id" as never }), "value() takes a function, not undefined."],
  ])("says of a declaration what is wrong (%#)", (declare, sentence) => {
    expect(declare).toThrow(sentence);
  });
});

describe("the outbox", () => {
  test("is of a version that old code refuses only where it holds rows", () => {
    const records = { kind: "records", topic: "t", partition: 0, records: [] } as const;
    const rows = { kind: "rows", table: "t", atMs: 1, rows: [] } as const;
    expect([encodeOutbox([records])[0], encodeOutbox([records, rows])[0]]).toEqual([1, 2]);
  });
});
