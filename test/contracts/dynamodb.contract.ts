/**
 * What a DynamoDB does with the commands that Millrace sends: the simulated one is held to what a real server answers, errors and prices included.
 * Sentences of errors are left out, since servers differ in them.
 */

import { randomUUID } from "node:crypto";
import { DescribeTableCommand, type UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DynamoDbClient } from "../../lib/state-log/dynamodb-client.ts";
import { type Item, itemBytesOf } from "../../lib/state-log/dynamodb-items.ts";
import { assertTable, createTableCommand, isActive } from "../../lib/state-log/dynamodb-table.ts";
import { callsTo, newKey, outcomeOf, unitsOf } from "./dynamodb-calls.ts";
import { testConditions } from "./dynamodb-conditions.contract.ts";
import { testPrices } from "./dynamodb-prices.contract.ts";
import { testQueries } from "./dynamodb-queries.contract.ts";

const ITEM_BYTES_MAX = 400 * 1024;

/** Runs the suite against what `open` gives. */
export function testDynamoDb(
  title: string,
  open: () => Promise<{ readonly client: DynamoDbClient; readonly close: () => Promise<void> }>,
): void {
  describe(title, () => {
    const TableName = `contract-${randomUUID()}`;
    let client: DynamoDbClient;
    let close: () => Promise<void>;
    const calls = callsTo(TableName, () => client);
    const { put, get, read, remove, update, query } = calls;
    beforeAll(async () => {
      ({ client, close } = await open());
      await client.send(createTableCommand(TableName));
    });
    afterAll(async () => {
      client?.destroy();
      await close?.();
    });

    describe("tables", () => {
      test("a table that was made is one of Millrace's, and is not made twice", async () => {
        const { Table } = await client.send(new DescribeTableCommand({ TableName }));
        expect(() => assertTable(TableName, Table)).not.toThrow();
        expect(isActive(Table)).toBe(true);
        expect(await outcomeOf(client.send(createTableCommand(TableName)))).toBe("ResourceInUseException");
      });

      test("one that is not there is said to be missing, whatever is asked of it", async () => {
        const missing = { TableName: "nowhere" };
        const asked = [
          () => client.send(new DescribeTableCommand(missing)),
          () => put(newKey(), missing),
          () => read(newKey(), missing),
          () => query("a", missing),
          () => remove(newKey(), missing),
        ];
        for (const ask of asked) expect(await outcomeOf(ask())).toBe("ResourceNotFoundException");
      });
    });

    describe("items", () => {
      test("are kept whole, replaced whole, and gone once deleted", async () => {
        const key = newKey();
        const first = {
          ...key,
          s: { S: "é\u0000𝄞" },
          n: { N: "12" },
          b: { B: Uint8Array.of(0, 255) },
          t: { BOOL: true },
        };
        await put(first);
        expect(await get(key)).toEqual(first);
        const second = { ...key, s: { S: "" }, b: { B: new Uint8Array(0) } };
        await put(second);
        expect(await get(key)).toEqual(second);
        await remove(key);
        await remove(key);
        expect(await get(key)).toBeUndefined();
      });

      test.each([
        ["007", "7"],
        ["1.50", "1.5"],
        ["-0", "0"],
        ["+5", "5"],
        ["5.", "5"],
        ["-12.30e-2", "-0.123"],
        ["1e40", `1${"0".repeat(40)}`],
        ["12345678901234567890123456789012345678", "12345678901234567890123456789012345678"],
        ["9.9e125", `99${"0".repeat(124)}`],
      ])("the number %s is kept as %s", async (given, kept) => {
        const key = newKey();
        await put({ ...key, n: { N: given } });
        expect((await get(key))?.n).toEqual({ N: kept });
      });

      test.each(["", "abc", " 5", "1e126", "1e-131", "123456789012345678901234567890123456789"])(
        "%j is no number",
        async (text) => {
          expect(await outcomeOf(put({ ...newKey(), n: { N: text } }))).toBe("ValidationException");
        },
      );

      test.each<[string, Item]>([
        ["no sort key", { pk: { S: "a" } }],
        ["a sort key of another kind", { pk: { S: "a" }, sk: { N: "1" } }],
        ["an empty sort key", { pk: { S: "a" }, sk: { S: "" } }],
        ["a partition key above 2 KB", { pk: { S: "a".repeat(2049) }, sk: { S: "a" } }],
        ["a sort key above 1 KB", { pk: { S: "a" }, sk: { S: "é".repeat(513) } }],
        ["a value of two kinds", { pk: { S: "a" }, sk: { S: "a" }, x: { S: "a", N: "1" } as unknown as { S: string } }],
      ])("with %s are refused", async (_, item) => {
        expect(await outcomeOf(put(item))).toBe("ValidationException");
      });

      test("of 400 KB are kept, of a byte more refused, by the sizes that we compute", async () => {
        const key = newKey();
        const room = ITEM_BYTES_MAX - itemBytesOf(key) - "b".length;
        expect(await unitsOf(put({ ...key, b: { B: new Uint8Array(room) } }))).toBe(400);
        const larger = { ...key, b: { B: new Uint8Array(room + 1) } };
        await expect(put(larger)).rejects.toMatchObject({
          name: "ValidationException",
          message: expect.stringMatching(/item size .*exceeded/i),
        });
        const growth = {
          UpdateExpression: "SET #c = :c",
          ExpressionAttributeNames: { "#c": "c" },
          ExpressionAttributeValues: { ":c": { BOOL: true } },
        };
        expect(await outcomeOf(update(key, growth))).toBe("ValidationException");
      });
    });

    describe("updates", () => {
      const set = (value: Item[string], more: Partial<UpdateItemCommandInput> = {}) => ({
        UpdateExpression: "SET #a = :a",
        ...more,
        ExpressionAttributeNames: { "#a": "a", ...more.ExpressionAttributeNames },
        ExpressionAttributeValues: { ":a": value, ...more.ExpressionAttributeValues },
      });

      test("make the item where there is none, and leave the rest of it alone where there is one", async () => {
        const key = newKey();
        await update(key, set({ N: "1" }));
        expect(await get(key)).toEqual({ ...key, a: { N: "1" } });
        const two = { UpdateExpression: "set #a = :a , #b=:a", ExpressionAttributeNames: { "#b": "b" } };
        await update(key, set({ N: "2" }, two));
        await update(key, set({ S: "x" }));
        expect(await get(key)).toEqual({ ...key, a: { S: "x" }, b: { N: "2" } });
      });

      test("are refused by a condition", async () => {
        const key = newKey();
        const is = (number: string) => ({
          ConditionExpression: "#a = :is",
          ExpressionAttributeValues: { ":is": { N: number } },
          ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
        });
        await update(key, set({ N: "1" }));
        expect(await outcomeOf(update(key, set({ N: "9" }, is("2"))))).toEqual({
          ConditionalCheckFailedException: { ...key, a: { N: "1" } },
        });
        expect(await outcomeOf(update(key, set({ N: "2" }, is("1"))))).toBe("answered");
      });

      test.each<[string, Partial<UpdateItemCommandInput>]>([
        ["to the key", { ExpressionAttributeNames: { "#a": "sk" } }],
        ["of one attribute twice", { UpdateExpression: "SET #a = :a, #a = :a" }],
      ])("%s are refused", async (_, more) => {
        expect(await outcomeOf(update(newKey(), set({ S: "x" }, more)))).toBe("ValidationException");
      });
    });

    testConditions(calls);
    testQueries(calls);
    testPrices(calls);
  });
}
