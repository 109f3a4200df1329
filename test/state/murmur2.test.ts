/** Kafka's murmur2, against the vectors of Kafka's own tests. */

import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { kafkaPartitionOf, murmur2 } from "../../lib/state/murmur2.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

describe("murmur2", () => {
  // org.apache.kafka.common.utils.UtilsTest.testMurmur2.
  test.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
    ["", 275646681],
  ])("of %j is what Kafka's tests say", (text, hash) => {
    expect(murmur2(utf8(text))).toBe(hash);
    expect(murmur2(text)).toBe(hash);
  });

  test("of a string is that of its UTF-8 bytes, ASCII or not", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(murmur2(text)).toBe(murmur2(utf8(text)));
      }),
    );
  });

  test("of a view is that of its bytes alone", () => {
    const whole = utf8("xxfoobarxx");
    expect(murmur2(whole.subarray(2, 8))).toBe(-790332482);
    expect(murmur2(Buffer.from("foobar"))).toBe(-790332482);
  });
});

test("a record's partition is Kafka's: toPositive(murmur2(key)) % partitions", () => {
  // 21: −973932308 & 0x7fffffff = 1173551340.
  expect(kafkaPartitionOf(utf8("21"), 12)).toBe(1173551340 % 12);
  expect(kafkaPartitionOf(utf8("abc"), 50)).toBe(479470107 % 50);
  fc.assert(
    fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 1_000 }), (key, partitions) => {
      const partition = kafkaPartitionOf(key, partitions);
      expect(partition >= 0 && partition < partitions).toBe(true);
    }),
  );
});
