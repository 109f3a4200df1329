/** The checks between operators, with their exact sentences: one declaration for each topic, and no way back to it. */

import { describe, expect, test } from "vitest";
import { z } from "zod";
import { seconds } from "../../lib/stream/duration.ts";
import { bytes, json, text } from "../../lib/stream/format.ts";
import { stream } from "../../lib/stream/stream.ts";
import { topic } from "../../lib/stream/topic.ts";
import { tumbling } from "../../lib/stream/tumbling.ts";
import { boundedOutOfOrderness, monotonic } from "../../lib/stream/watermark-strategy.ts";
import { define, problemsOf } from "./streams.ts";

const lines = topic("lines", { value: text(), watermark: monotonic() });
const out = topic("out", { value: json<unknown>() });

describe("declarations of one topic", () => {
  const declare = (options: object) => topic("t", { value: text(), ...options });
  const read = (declared: ReturnType<typeof declare>, name = "a") => define(name, stream(declared).to(out));

  test("may be two where they say the same", () => {
    const load = () => declare({ timestampOf: (line: string) => line.length, watermark: monotonic(), partitions: 2 });
    expect(problemsOf(read(load()), read(load(), "b"))).toEqual([]);
    const schema = () => topic("t", { value: json(z.string()) });
    expect(problemsOf(read(schema() as never), read(schema() as never, "b"))).toEqual([]);
  });

  test.each<[string, object]>([
    ["value", { value: bytes() }],
    ["value", { value: json() }],
    ["key", { key: text() }],
    ["timestampOf", { timestampOf: () => 1 }],
    ["watermark", { watermark: boundedOutOfOrderness(seconds(1)) }],
    ["partitions", { partitions: 8 }],
    ["retention", { retention: seconds(1) }],
    ["exactlyOnce", { exactlyOnce: true }],
    ["external", { external: true, partitions: undefined }],
  ])("must not differ in %s: case %#", (setting, options) => {
    expect(problemsOf(read(declare({})), read(declare(options), "b"))).toEqual([
      `Operator "a" (functions/a.ts:5) and operator "b" (functions/b.ts:5) use two declarations of the topic "t" that differ in ${setting}; declare it once and import it.`,
    ]);
  });

  test("must not differ within an operator, whether read, written or for late elements", () => {
    const lateTo = stream(lines)
      .keyBy((l) => l)
      .window(tumbling(seconds(1)))
      .lateTo(declare({ partitions: 3 }))
      .count();
    expect(problemsOf(define("a", lateTo.to(declare({}).from(() => ""))))).toEqual([
      `Operator "a" (functions/a.ts:5) uses two declarations of the topic "t" that differ in partitions; declare it once and import it.`,
    ]);
  });

  test("are told once for each name", () => {
    const three = [read(declare({})), read(declare({ partitions: 1 }), "b"), read(declare({ partitions: 2 }), "c")];
    expect(problemsOf(...three)).toHaveLength(1);
  });

  test("must not take an internal name", () => {
    const shuffle = topic("a--by-key", { value: text(), external: true, partitions: 1 });
    const letters = topic("a--dead-letters", { value: text(), external: true, partitions: 1 });
    const a = define(
      "a",
      stream(lines)
        .keyBy((l) => l)
        .count()
        .to(out),
    );
    expect(problemsOf(a, define("b", stream(shuffle).union(stream(letters)).to(out)))).toEqual([
      `Operator "b" (functions/b.ts:5) uses a topic called "a--by-key", which is the name of an internal topic of operator "a" (functions/a.ts:5); rename the operator.`,
      `Operator "b" (functions/b.ts:5) uses a topic called "a--dead-letters", which is the name of an internal topic of operator "a" (functions/a.ts:5); rename the operator.`,
    ]);
  });
});

describe("cycles", () => {
  const t = (name: string) => topic(name, { value: text(), watermark: monotonic() });
  const [a, b, c] = [t("a"), t("b"), t("c")];

  test("through one operator", () => {
    expect(problemsOf(define("echo", stream(a).to(a)))).toEqual([
      `Operator "echo" (functions/echo.ts:5): the topic "a" leads back to itself ("a" → echo → "a"); write to another topic.`,
    ]);
  });

  test("through several, with the path", () => {
    expect(
      problemsOf(
        define("x", stream(a).to(b)),
        define("y", stream(b).to(c), stream(b).to(out)),
        define("z", stream(c).to(a)),
      ),
    ).toEqual([
      `Operator "x" (functions/x.ts:5), Operator "y" (functions/y.ts:5), Operator "z" (functions/z.ts:5): the topic "a" leads back to itself ("a" → x → "b" → y → "c" → z → "a"); write to another topic.`,
    ]);
  });

  test("through late elements", () => {
    const sink = stream(a)
      .keyBy((l) => l)
      .window(tumbling(seconds(1)))
      .lateTo(a)
      .count()
      .to(out);
    expect(problemsOf(define("x", sink))).toEqual([
      `Operator "x" (functions/x.ts:5): the topic "a" leads back to itself ("a" → x → "a"); write to another topic.`,
    ]);
  });

  test("are not two ways to one topic", () => {
    expect(
      problemsOf(
        define("x", stream(a).to(b), stream(a).to(c)),
        define("y", stream(b).to(c)),
        define("z", stream(c).to(out)),
      ),
    ).toEqual([]);
  });
});
