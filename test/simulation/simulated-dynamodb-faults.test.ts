/** What the simulated DynamoDB does at worst is what AWS may do, and no more; and the world outside sees what was written. */

import { describe, expect, test } from "vitest";
import { type Network, NetworkError, PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedDynamoDb } from "../../lib/simulation/simulated-dynamodb.ts";
import { RULES } from "../../lib/state-log/decisions.ts";
import { DynamoDbTable } from "../../lib/state-log/dynamodb-client.ts";
import { entryCondition, fromEntryItem, type Item } from "../../lib/state-log/dynamodb-items.ts";
import { DynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { append } from "../../lib/state-log/workflow.ts";
import { outcomeOf } from "../contracts/dynamodb-calls.ts";
import { appendUpTo, entry, utf8 } from "../state-log/entries.ts";

const TABLE = "simulated";

/** A world with one table, its clock, and its faults: those named occur, wherever they may. */
function newWorld() {
  let nowMs = 1_000_000;
  const faults = new Set<string>();
  const drawn: number[] = [];
  const called: string[] = [];
  const asked: string[] = [];
  const database = new SimulatedDynamoDb({ now: () => nowMs, tables: [TABLE] });
  const network: Network = {
    call: (name, serve, deadlineMs) => {
      called.push(name);
      return PERFECT_NETWORK.call(name, serve, deadlineMs);
    },
    occurs: (fault) => {
      asked.push(fault);
      return faults.has(fault);
    },
    below: (n) => Math.min(drawn.shift() ?? 0, n - 1),
  };
  const tableOn = (on: Network) => new DynamoDbTable({ table: TABLE, client: database.client(on) });
  return {
    database,
    network,
    faults,
    drawn,
    called,
    asked,
    tableOn,
    table: tableOn(network),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const item = (sk: string, n: number): Item => ({ pk: { S: "p" }, sk: { S: sk }, n: { N: String(n) } });
const numbersOf = (items: readonly Item[]) => items.map(({ sk, n }) => `${sk?.S}=${n?.N}`);
const key = { pk: "p", sk: "a" };
const IS_NEW = { expression: "attribute_not_exists(#n)", names: { "#n": "n" } };

describe("reads", () => {
  test("an eventual one may see any version of the last seconds, absence included; a consistent one sees the last", async () => {
    const { table, faults, drawn, pass } = newWorld();
    faults.add("read-stale");
    for (const n of [1, 2, 3]) {
      await table.put(undefined, item("a", n));
      pass(10);
    }
    for (const [draw, seen] of [
      [0, "2"],
      [1, "1"],
      [2, undefined],
    ] as const) {
      drawn.push(draw);
      expect((await table.get(undefined, key, false))?.n?.N).toBe(seen);
    }
    expect((await table.get(undefined, key, true))?.n?.N).toBe("3");
  });

  test("what is older than the lag of replicas is not seen again", async () => {
    const { table, faults, asked, pass } = newWorld();
    faults.add("read-stale");
    await table.put(undefined, item("a", 1));
    pass(60_000);
    await table.put(undefined, item("a", 2));
    expect((await table.get(undefined, key, false))?.n?.N).toBe("1");
    pass(4_999);
    expect((await table.get(undefined, key, false))?.n?.N).toBe("1");
    pass(1);
    asked.length = 0;
    expect((await table.get(undefined, key, false))?.n?.N).toBe("2");
    // It is asked only where there is a choice, so that what is counted has happened.
    expect(asked).not.toContain("read-stale");
  });

  test("an item that was deleted may be seen for a while", async () => {
    const { table, faults } = newWorld();
    await table.put(undefined, item("a", 1));
    await table.delete(undefined, key);
    faults.add("read-stale");
    expect(numbersOf(await table.query(undefined, "p", { consistent: false }))).toEqual(["a=1"]);
    expect(numbersOf(await table.query(undefined, "p", { consistent: true }))).toEqual([]);
  });

  test("a page is no snapshot: each item is as of a moment of its own", async () => {
    const { database, network, tableOn, table, faults, drawn } = newWorld();
    for (const sk of ["a", "b", "c"]) await table.put(undefined, item(sk, 1));
    let moments = 0;
    const slow: Network = {
      ...network,
      call: async (name, serve, deadlineMs) => {
        if (moments > 0) for (const sk of ["a", "c", "d"]) await table.put(undefined, item(sk, 1 + moments));
        moments += 1;
        return network.call(name, serve, deadlineMs);
      },
    };
    faults.add("read-torn");
    // Three moments, and one of them for each of a, b, c, d.
    drawn.push(1, 2, 0, 0, 1);
    const items = await tableOn(slow).query(undefined, "p", { consistent: true });
    expect(moments).toBe(3);
    expect(numbersOf(items)).toEqual(["a=3", "b=1", "c=1", "d=2"]);
    expect(database.unknown).toEqual([]);
  });

  test("pages may be as short as they like, down to one that ends with the last item and still says that it goes on", async () => {
    const { table, faults, called, drawn } = newWorld();
    for (const sk of ["a", "b", "c", "d"]) await table.put(undefined, item(sk, 1));
    faults.add("page-short");
    called.length = 0;
    const query = (): Promise<Item[]> => table.query(undefined, "p", { consistent: true });
    expect(numbersOf(await query())).toEqual(["a=1", "b=1", "c=1", "d=1"]);
    expect(called).toHaveLength(4);
    called.length = 0;
    drawn.push(3);
    expect(await query()).toHaveLength(4);
    expect(called).toHaveLength(2);
  });

  test("of a torn page that one moment fills and another does not, nothing is lost", async () => {
    const { network, tableOn, table, faults, drawn } = newWorld();
    const sortKeys = Array.from({ length: 12 }, (_, i) => String(i).padStart(2, "0"));
    const large = { B: new Uint8Array(300_000) };
    for (const sk of sortKeys) await table.put(undefined, { ...item(sk, 1), b: large });
    let moments = 0;
    const slow: Network = {
      ...network,
      call: async (name, serve, deadlineMs) => {
        moments += 1;
        if (moments === 2) for (const sk of sortKeys) await table.put(undefined, item(sk, 2));
        return network.call(name, serve, deadlineMs);
      },
    };
    faults.add("read-torn");
    drawn.push(0, 1, 1, 1, 1);
    const items = await tableOn(slow).query(undefined, "p", { consistent: true });
    expect(items.map(({ sk }) => sk?.S)).toEqual(sortKeys);
  });
});

describe("writes", () => {
  test("one that is throttled has no effect", async () => {
    const { table, faults, database } = newWorld();
    faults.add("throttled");
    await expect(table.put(undefined, item("a", 1))).rejects.toMatchObject({
      code: "state-store",
      message: expect.stringContaining("throttles"),
    });
    expect(database.items()).toEqual([]);
  });

  test.each([0, 1])("a failure of the server says nothing about the effect: %i", async (effect) => {
    const { table, faults, drawn, database } = newWorld();
    faults.add("server-error");
    drawn.push(effect);
    await expect(table.put(undefined, item("a", 1))).rejects.toMatchObject({ code: "state-store" });
    expect(database.items()).toHaveLength(effect);
  });

  test("a failure of the server hides what a condition would have said", async () => {
    const { table, faults, drawn } = newWorld();
    await table.put(undefined, item("a", 1));
    faults.add("server-error");
    drawn.push(1);
    await expect(table.put(undefined, item("a", 2), IS_NEW)).rejects.toMatchObject({ code: "state-store" });
  });

  test("L4: one that the SDK repeats in silence meets its own item, and the writer recognises it", async () => {
    const { table, faults, called } = newWorld();
    faults.add("repeated-request");
    expect(await table.put(undefined, item("a", 1), IS_NEW)).toEqual({ kind: "refused", found: item("a", 1) });
    expect(called).toEqual(["PutItem item", "PutItem item"]);
    expect(table.units.counts).toMatchObject({ calls: 1, retries: 1 });
    const log = new DynamoDbStateLog(table);
    expect(await append(log, "task", entry(1))).toEqual({ kind: "won" });
  });

  test("a request that is not answered is a time-out", async () => {
    const { database } = newWorld();
    const silent = database.client({
      ...PERFECT_NETWORK,
      call: async () => {
        throw new NetworkError("lost");
      },
    });
    const lost = new DynamoDbTable({ table: TABLE, client: silent });
    await expect(lost.put(undefined, item("a", 1))).rejects.toMatchObject({
      code: "state-store",
      message: expect.stringContaining("did not answer PutItem"),
    });
  });

  test("a restart loses what has not arrived, and keeps the rest", async () => {
    const { database, network, tableOn } = newWorld();
    const arrivals: (() => void)[] = [];
    const table = tableOn({
      ...network,
      call: async (_, serve) => {
        await new Promise<void>((arrive) => arrivals.push(arrive));
        return serve();
      },
    });
    const before = table.put(undefined, item("a", 1));
    arrivals.pop()?.();
    await before;
    const during = table.put(undefined, item("b", 1));
    database.bounce();
    arrivals.pop()?.();
    expect(await outcomeOf(during)).toBe("MillraceError");
    expect(numbersOf(database.items().map(({ item: one }) => one))).toEqual(["a=1"]);
  });
});

describe("the world outside", () => {
  test("calls are named by what they are about, so that crashes can be counted by it", async () => {
    const { called, table } = newWorld();
    const log = new DynamoDbStateLog(table);
    await append(log, "task", entry(1, { changes: new Uint8Array(500_000) }));
    await log.putChunk("task", { range: "0-0", asOf: 1, bytes: utf8("x") });
    await log.allotGeneration("f", 0);
    await log.readEntries("task");
    await log.readChunks("task");
    expect([...new Set(called)].sort()).toEqual([
      "GetItem parts",
      "PutItem chunk",
      "PutItem entry",
      "PutItem listing",
      "PutItem parts",
      "Query chunk",
      "Query entry",
      "UpdateItem generation",
    ]);
  });

  test("every write that takes effect is observed, and nothing else", async () => {
    const { database, table } = newWorld();
    const writes: unknown[] = [];
    database.observe(({ sk, before, after }) => writes.push([sk, before?.n?.N, after?.n?.N]));
    await table.put(undefined, item("a", 1));
    await table.put(undefined, item("a", 2), IS_NEW);
    await table.put(undefined, item("a", 3));
    await table.update(
      key,
      "n",
      { N: "4" },
      { expression: "#n = :n", names: { "#n": "n" }, values: { ":n": { N: "3" } } },
    );
    await table.delete(undefined, { pk: "p", sk: "nothing" });
    await table.delete(undefined, key);
    expect(writes).toEqual([
      ["a", undefined, "1"],
      ["a", "1", "3"],
      ["a", "3", "4"],
      ["a", "4", undefined],
    ]);
  });

  test("entries can be looked at, deleted and restored without a request", async () => {
    const { database, table, called } = newWorld();
    const log = new DynamoDbStateLog(table);
    await appendUpTo(log, "task", 2);
    const backup = database.backUp();
    await appendUpTo(log, "task", 3, 3);
    called.length = 0;
    const numbers = () => database.entriesOf("task").map((one) => fromEntryItem(one as Item).entry.sequenceNumber);
    expect(numbers()).toEqual([1, 2, 3]);
    database.deleteItem({ pk: "entries#task", sk: "0002" });
    expect(numbers()).toEqual([1, 3]);
    database.restore(backup);
    expect(numbers()).toEqual([1, 2]);
    expect(called).toEqual([]);
  });

  test("what it does not know is thrown and remembered", async () => {
    const { database, table } = newWorld();
    for (const expression of ["size(#n) = :n", "#n BETWEEN :n AND :n", "begins_with(#n, :n)", "n = :n", "#n.#n = :n"]) {
      const condition = { expression, names: { "#n": "n" }, values: { ":n": { N: "1" } } };
      expect(await outcomeOf(table.put(undefined, item("a", 1), condition)), expression).toBe("MillraceError");
    }
    expect(database.unknown).toHaveLength(5);
    expect(database.items()).toEqual([]);
  });

  test("what is wrong is refused and remembered, since it is a mistake of who sent it", async () => {
    const { database, table } = newWorld();
    await expect(table.get(undefined, { pk: "p", sk: "" }, true)).rejects.toMatchObject({ code: "state-store" });
    expect(database.invalid).toMatchObject([{ name: "ValidationException" }]);
    expect(database.unknown).toEqual([]);
  });

  test("L2: the condition of an entry is evaluated, whatever it says", async () => {
    const { table } = newWorld();
    const at = { pk: { S: "p" }, sk: { S: "a" } };
    const put = async (seq: number) =>
      (await table.put(undefined, { ...at, seq: { N: String(seq) } }, entryCondition(seq, RULES))).kind;
    expect([await put(3), await put(3), await put(67), await put(35), await put(35), await put(67)]).toEqual([
      "stored",
      "refused",
      "refused",
      "stored",
      "refused",
      "stored",
    ]);
  });
});
