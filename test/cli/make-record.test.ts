/** Lines of input and the records that they become. */

import { bytes, json, type Topic, text, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { makeRecord } from "../../lib/cli/make-record.ts";
import type { AnyTopic } from "../../lib/stream/topic.ts";

const lines = topic("lines", { value: text() });
const raw = topic("raw", { value: bytes(), key: bytes() });
const orders = topic("orders", { key: text(), value: json(z.object({ amount: z.number() })) });
const numbered = topic("numbered", { key: json<number>(), value: text() });
const latest = topic("latest", { key: text(), value: json<number>(), compacted: true });

function make(target: AnyTopic, line: string | Uint8Array, keySeparator?: string) {
  const { key, value, timestampMs, headers } = makeRecord(target, Buffer.from(line), { keySeparator, timestampMs: 7 });
  expect({ timestampMs, headers }).toEqual({ timestampMs: 7, headers: [] });
  const show = (part: Uint8Array | null) => (part === null ? null : Buffer.from(part).toString("latin1"));
  return [show(key), show(value)];
}

describe("a line becomes key and value", () => {
  test.each<[AnyTopic, string | Uint8Array, string | undefined, (string | null)[]]>([
    [lines, "to be", undefined, [null, "to be"]],
    [lines, "", undefined, [null, ""]],
    [lines, "a=b", undefined, [null, "a=b"]],
    [orders, '{"amount":1}', undefined, [null, '{"amount":1}']],
    [orders, ' { "amount" : 1 } ', undefined, [null, '{"amount":1}']],
    [orders, 'ann={"amount":1}', "=", ["ann", '{"amount":1}']],
    [orders, '={"amount":1}', "=", ["", '{"amount":1}']],
    [numbered, "17::a::b", "::", ["17", "a::b"]],
    [raw, Uint8Array.of(0xff, 0x3d, 0xfe), "=", ["\xff", "\xfe"]],
    [latest, "a=null", "=", ["a", null]],
    [latest, "a=0", "=", ["a", "0"]],
  ])("$topicName: %j with %j", (target, line, keySeparator, record) => {
    expect(make(target, line, keySeparator)).toEqual(record);
  });
});

describe("a line is refused with a sentence", () => {
  test.each<[Topic<never, unknown, never, unknown>, string | Uint8Array, string | undefined, RegExp]>([
    [lines, Uint8Array.of(0xff), undefined, /^It is not valid UTF-8\.$/],
    [orders, "{", undefined, /^It is not JSON: .*[^.]\.$/],
    [orders, "null", undefined, /^The value does not fit its schema: .*\.$/],
    [orders, '{"amount":"1"}', undefined, /^The value does not fit its schema: amount: .*\.$/],
    [orders, '{"amount":1}', "=", /^It has no key: "=" is not in it\.$/],
    [numbered, "x=1", "=", /^It is not JSON: .*\.$/],
  ])("$topicName: %j with %j", (target, line, keySeparator, sentence) => {
    expect(() => make(target, line, keySeparator)).toThrow(sentence);
  });
});
