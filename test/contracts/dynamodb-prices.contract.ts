/** Every DynamoDB reports the same prices. */

import { describe, expect, test } from "vitest";
import { type Item, itemBytesOf } from "../../lib/state-log/dynamodb-items.ts";
import { type DynamoDbCalls, newKey, unitsOf } from "./dynamodb-calls.ts";

export function testPrices({ put, read, remove, update, query }: DynamoDbCalls): void {
  describe("prices", () => {
    const eventually = { ConsistentRead: false };
    const sized = (key: Item, bytes: number) => ({ ...key, b: { B: new Uint8Array(bytes - itemBytesOf(key) - 1) } });

    test.each([
      [1_024, 1],
      [1_025, 2],
      [10_240, 10],
      [10_241, 11],
    ])("an item of %i bytes costs %i units to write, to replace by less, and to delete", async (bytes, units) => {
      const key = newKey();
      expect(await unitsOf(put(sized(key, bytes)))).toBe(units);
      expect(await unitsOf(put(key))).toBe(units);
      expect(await unitsOf(put(sized(key, bytes)))).toBe(units);
      const set = { UpdateExpression: "SET #b = :b", ExpressionAttributeNames: { "#b": "b" } };
      expect(await unitsOf(update(key, { ...set, ExpressionAttributeValues: { ":b": { S: "" } } }))).toBe(units);
      await put(sized(key, bytes));
      expect(await unitsOf(remove(key))).toBe(units);
      expect(await unitsOf(remove(key))).toBe(1);
    });

    test.each([
      [4_096, 1],
      [4_097, 2],
      [40_961, 11],
    ])("an item of %i bytes costs %i units to read, or half as many, alone or with others", async (bytes, units) => {
      const key = newKey();
      await put(sized(key, bytes));
      expect(await unitsOf(read(key))).toBe(units);
      expect(await unitsOf(read(key, eventually))).toBe(units / 2);
      expect(await unitsOf(query(key.pk.S, { ConsistentRead: true }))).toBe(units);
      const small = { ...key, sk: { S: "t" } };
      await put(small);
      const together = Math.ceil((bytes + itemBytesOf(small)) / 4_096);
      expect(await unitsOf(query(key.pk.S, { ConsistentRead: true }))).toBe(together);
      expect(await unitsOf(query(key.pk.S))).toBe(together / 2);
    });

    test("what is not there costs one unit to read, or half of one", async () => {
      expect(await unitsOf(read(newKey()))).toBe(1);
      expect(await unitsOf(read(newKey(), eventually))).toBe(0.5);
    });

    test.each([
      ["0", 1],
      ["1", 2],
      ["-1", 3],
      ["12", 2],
      ["-12", 3],
      ["123", 3],
      ["100", 2],
      ["-100", 3],
      ["1001", 3],
      ["0.001", 2],
      ["10.5", 3],
      ["1e20", 2],
      ["12345678901234567890", 11],
    ])("the number %s is counted as %i bytes", async (number, bytes) => {
      const item = { ...newKey(), n: { N: number } };
      if (/^\d+$/.test(number)) expect(itemBytesOf(item) - itemBytesOf({ ...item, n: { S: "" } })).toBe(bytes);
      const room = 1_024 - itemBytesOf({ ...item, n: { S: "" }, b: { S: "" } }) - bytes;
      const fill = (length: number) => unitsOf(put({ ...item, b: { B: new Uint8Array(length) } }));
      expect([await fill(room), await fill(room + 1)]).toEqual([1, 2]);
    });
  });
}
