/** Queries give the same items, in the same order and the same pages, in every DynamoDB. */

import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Item } from "../../lib/state-log/dynamodb-items.ts";
import { type DynamoDbCalls, outcomeOf } from "./dynamodb-calls.ts";

const MEGABYTE = 1024 * 1024;

export function testQueries({ put, query }: DynamoDbCalls): void {
  describe("queries", () => {
    const fill = async (sortKeys: readonly string[], bytes = 0) => {
      const pk = randomUUID();
      const item = (sk: string) => ({ pk: { S: pk }, sk: { S: sk }, b: { B: new Uint8Array(bytes) }, n: { N: "1" } });
      for (const sk of sortKeys) await put(item(sk));
      return pk;
    };
    const sortKeysOf = (items: readonly Item[] | undefined) => items?.map(({ sk }) => sk?.S);
    const and = (pk: string, term: string, bound: string) => ({
      KeyConditionExpression: `#pk = :pk AND ${term}`,
      ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk" },
      ExpressionAttributeValues: { ":pk": { S: pk }, ":sk": { S: bound } },
    });

    test("give the items of a partition key in the order of their bytes", async () => {
      const pk = await fill(["b", "\uFFFD", "𝄞", "a", "\uD7FF", "B", "aa"]);
      const { Items, Count, LastEvaluatedKey } = await query(pk);
      expect(sortKeysOf(Items)).toEqual(["B", "a", "aa", "b", "\uD7FF", "\uFFFD", "𝄞"]);
      expect({ Count, LastEvaluatedKey }).toEqual({ Count: 7, LastEvaluatedKey: undefined });
      expect((await query(randomUUID())).Items).toEqual([]);
    });

    test.each([
      ["#sk < :sk", ["1"]],
      ["#sk <= :sk", ["1", "2"]],
      ["#sk = :sk", ["2"]],
      ["#sk > :sk", ["3"]],
      ["(#sk >= :sk)", ["2", "3"]],
    ])("%s bounds them", async (term, found) => {
      const pk = await fill(["1", "2", "3"]);
      expect(sortKeysOf((await query(pk, and(pk, term, "2"))).Items)).toEqual(found);
    });

    test.each(["#sk <> :sk", "NOT #sk = :sk", "#pk = :sk", "#sk < :sk AND #sk < :sk"])(
      "%s is no bound of a key",
      async (term) => {
        const { ExpressionAttributeNames: given, ...more } = and("a", term, "2");
        const names = term.includes("#sk") ? given : { "#pk": "pk" };
        expect(await outcomeOf(query("a", { ...more, ExpressionAttributeNames: names }))).toBe("ValidationException");
      },
    );

    test("give only the attributes that are asked for, and charge for all", async () => {
      const pk = await fill(["1", "2"], 3_000);
      const only = {
        ProjectionExpression: "#sk, #n, #m",
        ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk", "#n": "n", "#m": "missing" },
      };
      const { Items, ConsumedCapacity } = await query(pk, only);
      expect(Items).toEqual([
        { sk: { S: "1" }, n: { N: "1" } },
        { sk: { S: "2" }, n: { N: "1" } },
      ]);
      expect(ConsumedCapacity?.CapacityUnits).toBe(1);
      const twice = { ...only.ExpressionAttributeNames, "#m": "n" };
      expect(await outcomeOf(query(pk, { ...only, ExpressionAttributeNames: twice }))).toBe("ValidationException");
    });

    test.each([1, 2])("give pages of a megabyte, which a key joins without a gap: %i tenths each", async (tenths) => {
      const sortKeys = Array.from({ length: 24 }, (_, i) => String(i).padStart(3, "0"));
      const pk = await fill(sortKeys, (tenths * MEGABYTE) / 10);
      const found: (string | undefined)[] = [];
      const counts: (number | undefined)[] = [];
      let from: Item | undefined;
      do {
        const page = await query(pk, { ExclusiveStartKey: from, ConsistentRead: true });
        found.push(...(sortKeysOf(page.Items) ?? []));
        counts.push(page.Count);
        from = page.LastEvaluatedKey;
      } while (from !== undefined);
      expect(found).toEqual(sortKeys);
      expect(counts).toEqual(tenths === 1 ? [10, 10, 4] : [5, 5, 5, 5, 4]);
    });

    test("go on behind a key that was deleted, and not from one of another partition", async () => {
      const pk = await fill(["1", "3"]);
      const from = (of: string) => ({ ExclusiveStartKey: { pk: { S: of }, sk: { S: "2" } } });
      expect(sortKeysOf((await query(pk, from(pk))).Items)).toEqual(["3"]);
      expect(await outcomeOf(query(pk, from("other")))).toBe("ValidationException");
    });
  });
}
