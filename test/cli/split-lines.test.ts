/** Lines come out as they went in, wherever the chunks are cut. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter } from "../../lib/cli/split-lines.ts";

const LINE_BYTES_MAX = 8;

test.each([
  ["", []],
  ["a", ["a"]],
  ["a\n", ["a"]],
  ["a\nb", ["a", "b"]],
  ["\n", [""]],
  ["\n\na", ["", "", "a"]],
  ["a\r\nb\r\n", ["a", "b"]],
  ["a\rb\n", ["a\rb"]],
  ["\r", [""]],
  ["12345678\n", ["12345678"]],
  ["12345678\r\n", ["12345678"]],
  ["123456789\na", [undefined, "a"]],
  ["123456789", [undefined]],
  ["1234567890123\r\n\n", [undefined, ""]],
])("%j is %j", (text, lines) => {
  expect(split([text])).toEqual(lines);
  expect(split([...text])).toEqual(lines);
});

test("chunks do not matter", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\n", "\r", "é"), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), (whole, cuts) => {
      const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const chunks = places.slice(1).map((place, i) => whole.slice(places[i], place));
      expect(split(chunks)).toEqual(split([whole]));
    }),
  );
});

test("after the end it may be used again", () => {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  splitter.push(Buffer.from("123456789"));
  expect(splitter.end()).toEqual([undefined]);
  expect(splitter.push(Buffer.from("a\n")).map(String)).toEqual([String(Buffer.from("a"))]);
  expect(splitter.end()).toEqual([]);
});

function split(chunks: readonly string[]): (string | undefined)[] {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  const lines = [...chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk))), ...splitter.end()];
  return lines.map((line) => (line === undefined ? undefined : Buffer.from(line).toString()));
}
