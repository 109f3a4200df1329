/** Conditions hold, fail or are refused in every DynamoDB alike. */

import { describe, expect, test } from "vitest";
import { type DynamoDbCalls, newKey, outcomeOf } from "./dynamodb-calls.ts";

export function testConditions({ put, get, remove }: DynamoDbCalls): void {
  describe("conditions", () => {
    const names = { "#n": "n", "#s": "s", "#t": "t", "#b": "b", "#m": "missing", "#o": "other", "#same": "n" };
    const values = {
      ":4": { N: "4" },
      ":5": { N: "5" },
      ":five": { S: "5" },
      ":x": { S: "x" },
      ":t": { BOOL: true },
      ":b": { B: Uint8Array.of(1) },
      ":exact": { N: "5.0000000000000000000000000000000000001" },
    };
    const stored = { n: { N: "5" }, s: { S: "x" }, t: { BOOL: true }, b: { B: Uint8Array.of(1) } };

    /** Only what the text speaks of, as DynamoDB demands. */
    const usedIn = <T>(text: string, all: Readonly<Record<string, T>>) => {
      const used = Object.entries(all).filter(([name]) => new RegExp(`${name}(?![a-z0-9])`).test(text));
      return used.length === 0 ? undefined : Object.fromEntries(used);
    };
    const conditioned = (text: string) => ({
      ConditionExpression: text,
      ExpressionAttributeNames: usedIn(text, names),
      ExpressionAttributeValues: usedIn(text, values),
    });

    test.each([
      "#n = :5",
      "#n=:5",
      "(#n = :5)",
      "((#n = :5) AND (#s = :x))",
      ":4 < #n",
      ":4 < :5",
      "#n < :exact",
      "NOT #n >= :exact",
      "#n <> :4",
      "#n <> :five",
      "#m <> :5",
      "#m <> #o",
      "NOT #m < :5",
      "NOT NOT #n = :5",
      "#t = :t",
      "#b = :b",
      "#b >= :b",
      "attribute_exists(#n) and not attribute_exists(#m)",
      "attribute_not_exists(#m) OR #n < :4",
      "#n = :5 OR #n = :4 AND #n = :4",
      "NOT #n = :4 AND #s = :x",
    ])("%s holds", async (text) => {
      const key = newKey();
      await put({ ...key, ...stored });
      expect(await outcomeOf(put(key, conditioned(text)))).toBe("answered");
      expect(await get(key)).toEqual(key);
    });

    test.each([
      "#n = :4",
      "#n = :five",
      "#n < :five",
      "#n >= :exact",
      "#n = :exact",
      "#m = :5",
      "#m < :5",
      "#m = #o",
      "#n = #s",
      "#n = :t",
      "#t > :5",
      ":4 = :five",
      "NOT (#n = :5)",
      "(#n = :5 OR #n = :4) AND #n = :4",
      "attribute_exists(#m)",
      "attribute_not_exists(#n)",
    ])("%s does not hold, and the item that it met is told only to those who ask", async (text) => {
      const key = newKey();
      const item = { ...key, ...stored };
      await put(item);
      expect(await outcomeOf(put(key, conditioned(text)))).toBe("ConditionalCheckFailedException");
      const asked = { ...conditioned(text), ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;
      expect(await outcomeOf(put(key, asked))).toEqual({ ConditionalCheckFailedException: item });
      expect(await get(key)).toEqual(item);
    });

    test("that nothing is there to meet bring no item", async () => {
      const asked = {
        ...conditioned("attribute_exists(#n)"),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      } as const;
      expect(await outcomeOf(put(newKey(), asked))).toBe("ConditionalCheckFailedException");
      expect(await outcomeOf(remove(newKey(), asked))).toBe("ConditionalCheckFailedException");
    });

    test.each([
      "",
      "((#n = :5))",
      "#n == :5",
      "#n = :5 AND",
      "(#n = :5",
      "#n = :5)",
      "#n = :5 = :5",
      "#n < :t",
      "#s = :x OR #n < :t",
      "#n = #same",
      "attribute_exists(:5)",
      "#n = :undefined",
      "attribute_exists(#undefined)",
    ])("%j is refused", async (text) => {
      expect(await outcomeOf(put(newKey(), conditioned(text)))).toBe("ValidationException");
    });

    test("names and values that nothing speaks of are refused", async () => {
      const { ConditionExpression, ...none } = conditioned("#n = :5");
      const more = { ...none, ConditionExpression: "attribute_exists(#n)" };
      const empty = { ConditionExpression: "attribute_exists(#n)", ExpressionAttributeNames: { "#n": "n" } };
      expect(await outcomeOf(put(newKey(), none))).toBe("ValidationException");
      expect(await outcomeOf(put(newKey(), more))).toBe("ValidationException");
      expect(await outcomeOf(put(newKey(), { ...empty, ExpressionAttributeValues: {} }))).toBe("ValidationException");
    });
  });
}
