/** Every check of the topology, with its exact sentence; and what is only warned of. */

import { describe, expect, test } from "vitest";
import { minutes, seconds } from "../../lib/stream/duration.ts";
import { MillraceError } from "../../lib/stream/error.ts";
import { json, text } from "../../lib/stream/format.ts";
import { records, stream } from "../../lib/stream/stream.ts";
import { topic } from "../../lib/stream/topic.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { tumbling } from "../../lib/stream/tumbling.ts";
import { monotonic, noWatermark } from "../../lib/stream/watermark-strategy.ts";
import { define, problemsOf } from "./streams.ts";

const lines = topic("lines", { value: text(), watermark: monotonic() });
const keyed = topic("keyed", { key: text(), value: text(), watermark: monotonic() });
const out = topic("out", { value: json<unknown>() });
const simple = stream(lines).to(out);
const NAME_RULE =
  "a name begins with a letter, consists of letters, digits, '-' and '_', has no '--' and does not end in '-'";

describe("names", () => {
  test("of operators are given once", () => {
    const other = { ...define("a", simple), file: "functions/b.ts", line: 9 };
    expect(problemsOf(define("a", simple), other)).toEqual([
      `2 operators are called "a": functions/a.ts:5 and functions/b.ts:9; give each a name of its own.`,
    ]);
    expect(problemsOf(define("a", simple), other, { ...other, file: "" })).toEqual([
      `3 operators are called "a": functions/a.ts:5, functions/b.ts:9 and an unknown place; give each a name of its own.`,
    ]);
  });

  test.each(["", "1st", "a.b", "a/b", "a--b", "a-", "a b", "é"])("of operators are not %j", (name) => {
    expect(problemsOf(define(name, simple))).toEqual([
      `Operator ${JSON.stringify(name)} (functions/${name}.ts:5) cannot have this name: ${NAME_RULE}.`,
    ]);
  });

  test("of steps follow the same rule", () => {
    const sink = stream(lines)
      .map((l) => l, { name: "to lower" })
      .keyBy((l) => l, { name: "by/line" })
      .count()
      .to(out);
    expect(problemsOf(define("a", sink))).toEqual([
      `Operator "a" (functions/a.ts:5): a map cannot be called "to lower": ${NAME_RULE}.`,
      `Operator "a" (functions/a.ts:5): a keyBy cannot be called "by/line": ${NAME_RULE}.`,
    ]);
  });

  test("of a keyBy are not that of the dead letters", () => {
    expect(
      problemsOf(
        define(
          "a",
          stream(lines)
            .keyBy((l) => l, { name: "dead-letters" })
            .count()
            .to(out),
        ),
      ),
    ).toEqual([
      `Operator "a" (functions/a.ts:5): a keyBy cannot be called "dead-letters", as the topic of its dead letters is.`,
    ]);
  });

  test("of functions have at most 64 characters", () => {
    const name = `a${"b".repeat(60)}`;
    expect(
      problemsOf(
        define(
          name,
          stream(lines)
            .keyBy((l) => l)
            .count()
            .to(out),
        ),
      ),
    ).toEqual([
      `Operator "${name}" (functions/${name}.ts:5): the function's name "${name}--by-key" has 69 characters and may have 64.`,
    ]);
  });

  test("of applications follow the same rule", () => {
    expect(() => buildTopology("my shop", [])).toThrow(
      new MillraceError("topology", `The application's name cannot be "my shop": ${NAME_RULE}.`),
    );
  });
});

test("an operator has sinks", () => {
  expect(problemsOf(define("a"))).toEqual([
    `Operator "a" (functions/a.ts:5) has no sinks, so it would do nothing; end a stream with .to(topic) and give it to operator().`,
  ]);
});

test("an operator whose place is unknown is named without it", () => {
  expect(problemsOf({ ...define("a"), file: "", line: 0 })[0]).toMatch(/^Operator "a" has no sinks/);
});

test("all problems are told at once, a line each", () => {
  const problems = problemsOf(define("a"), define("b"), define("c-"));
  expect(problems).toHaveLength(4);
});

describe("event time", () => {
  const timeless = topic("timeless", { key: text(), value: text() });
  const window = (source: typeof lines | typeof timeless, name?: string) =>
    stream(source)
      .keyBy((l) => l)
      .window(tumbling(seconds(5)), name === undefined ? {} : { name })
      .count()
      .to(out);
  const sentence = (step: string, name: string) =>
    `Operator "a" (functions/a.ts:5): ${step} is in event time, but the topic "${name}" has none; give the topic a watermark, such as boundedOutOfOrderness(seconds(5)).`;

  test("is missing without a watermark", () => {
    expect(problemsOf(define("a", window(timeless)))).toEqual([sentence("the window", "timeless")]);
    expect(problemsOf(define("a", window(timeless, "five")))).toEqual([sentence(`the window "five"`, "timeless")]);
  });

  test("is missing with noWatermark(), in the topic or in the stream", () => {
    const none = topic("none", { value: text(), watermark: noWatermark() });
    expect(problemsOf(define("a", window(none)))).toEqual([sentence("the window", "none")]);
    const overridden = stream(lines, { watermark: noWatermark() })
      .keyBy((l) => l)
      .window(tumbling(seconds(5)))
      .count();
    expect(problemsOf(define("a", overridden.to(out)))).toEqual([sentence("the window", "lines")]);
  });

  test("is there where the stream gives the topic a watermark", () => {
    const own = stream(timeless, { watermark: monotonic() })
      .keyBy((l) => l)
      .window(tumbling(seconds(5)))
      .count();
    expect(problemsOf(define("a", own.to(out)))).toEqual([]);
  });

  test("is missing if one of several topics has none, also behind a shuffle", () => {
    const united = stream(lines)
      .union(stream(timeless))
      .keyBy((l) => l)
      .count();
    const second = united
      .keyBy((r) => r.value, { name: "again" })
      .window(tumbling(minutes(1)))
      .count();
    expect(problemsOf(define("a", second.to(out)))).toEqual([sentence("the window", "timeless")]);
  });

  test("is not missing if another topic of the operator has none and never reaches the window", () => {
    expect(problemsOf(define("a", window(lines), stream(timeless).to(out)))).toEqual([]);
  });

  test("is not asked of windows in processing time and of rolling aggregates", () => {
    const byLine = stream(timeless).keyBy((l) => l);
    const processing = byLine.window(tumbling(seconds(5), { time: "processing" })).count();
    expect(problemsOf(define("a", processing.to(out), byLine.count().to(out)))).toEqual([]);
  });
});

describe("steps that keep state", () => {
  const byLine = stream(lines).keyBy((l) => l);

  test("of one kind after one keyBy are named all but one", () => {
    expect(
      problemsOf(
        define(
          "a",
          byLine.count().to(out),
          byLine
            .map((l) => l)
            .count()
            .to(out),
        ),
      ),
    ).toEqual([
      `Operator "a" (functions/a.ts:5) has 2 steps of the kind "count" without a name after the keyBy "by-key"; name each but one, as in count({ name: "total" }), so that their state can be told apart.`,
    ]);
    const windows = [seconds(5), minutes(1), minutes(5)].map((size) => byLine.window(tumbling(size)).count().to(out));
    expect(problemsOf(define("a", ...windows))).toEqual([
      `Operator "a" (functions/a.ts:5) has 3 steps of the kind "window" without a name after the keyBy "by-key"; name each but one, as in window(assigner, { name: "per-minute" }), so that their state can be told apart.`,
    ]);
    const maxima = byLine.max((l) => l.length).max((r) => r.value);
    expect(problemsOf(define("a", maxima.to(out)))).toEqual([
      `Operator "a" (functions/a.ts:5) has 2 steps of the kind "max" without a name after the keyBy "by-key"; name each but one, as in max(…, { name: "total" }), so that their state can be told apart.`,
    ]);
  });

  test("have names of their own", () => {
    const [one, two] = [byLine.count({ name: "n" }).to(out), byLine.max((l) => l.length, { name: "n" }).to(out)];
    expect(problemsOf(define("a", one, two))).toEqual([
      `Operator "a" (functions/a.ts:5) has 2 steps called "n" after the keyBy "by-key"; give each a name of its own, so that their state can be told apart.`,
    ]);
    expect(
      problemsOf(define("a", byLine.count({ name: "max" }).to(out), byLine.max((l) => l.length).to(out))),
    ).toHaveLength(1);
  });

  test("are told apart by a name, by their kind, and by the keyBy", () => {
    const again = byLine.keyBy((l) => l.length, { name: "by-length" });
    expect(
      problemsOf(
        define(
          "a",
          byLine.count().to(out),
          byLine.count({ name: "more" }).to(out),
          byLine.max((l) => l.length).to(out),
          again.count().to(out),
        ),
      ),
    ).toEqual([]);
    expect(problemsOf(define("a", stream(keyed).keyedByTopicKey().count().to(out), byLine.count().to(out)))).toEqual(
      [],
    );
  });

  test("after two keyedByTopicKey of one name would share their state", () => {
    const twice = [stream(keyed), stream(keyed)].map((s) => s.keyedByTopicKey().count().to(out));
    expect(problemsOf(define("a", ...twice))).toHaveLength(1);
  });

  test("have a key", () => {
    const unkeyed = stream(lines) as unknown as typeof byLine;
    expect(problemsOf(define("a", unkeyed.count().to(out)))).toEqual([
      `Operator "a" (functions/a.ts:5): the count keeps state per key; put a keyBy before it.`,
    ]);
  });
});

describe("keyBys", () => {
  const words = stream(lines);
  test("with state behind them are named all but one", () => {
    expect(
      problemsOf(
        define(
          "a",
          words
            .keyBy((l) => l)
            .count()
            .keyBy((r) => r.value)
            .count()
            .to(out),
        ),
      ),
    ).toEqual([
      `Operator "a" (functions/a.ts:5) has 2 keyBys without a name; name each but one, as in keyBy(fn, { name: "by-user" }).`,
    ]);
  });

  test("with state behind them have names of their own", () => {
    const [a, b] = ["a", "b"].map(() =>
      words
        .keyBy((l) => l, { name: "by-line" })
        .count()
        .to(out),
    );
    expect(problemsOf(define("a", a!, b!))).toEqual([
      `Operator "a" (functions/a.ts:5) has 2 keyBys called "by-line"; give each a name of its own.`,
    ]);
    const named = words
      .keyBy((l) => l, { name: "by-key" })
      .count()
      .to(out);
    expect(
      problemsOf(
        define(
          "a",
          words
            .keyBy((l) => l)
            .count()
            .to(out),
          named,
        ),
      ),
    ).toEqual([`Operator "a" (functions/a.ts:5) has 2 keyBys called "by-key"; give each a name of its own.`]);
  });

  test("without state behind them need no name", () => {
    const twice = [words.keyBy((l) => l), words.keyBy((l) => l.length)].map((s) => s.to(out));
    expect(problemsOf(define("a", ...twice))).toEqual([]);
  });
});

describe("keyedByTopicKey", () => {
  const trusting = (source: unknown) => (source as ReturnType<typeof stream<string, string>>).keyedByTopicKey();

  test("needs a topic with a key where state follows", () => {
    expect(problemsOf(define("a", trusting(stream(lines)).count().to(out)))).toEqual([
      `Operator "a" (functions/a.ts:5) keeps state by the key of the topic "lines", which has no key format; give the topic one (key: text()), or use keyBy.`,
    ]);
  });

  test.each<[string, () => unknown]>([
    ["two topics", () => stream(keyed).union(stream(topic("other", { key: text(), value: text() })))],
    [
      "another key before",
      () =>
        stream(keyed)
          .keyBy((l) => l)
          .union(stream(keyed)),
    ],
  ])("needs a single topic and its own key, not %s", (_, source) => {
    expect(problemsOf(define("a", trusting(source()).count().to(out)))).toEqual([
      `Operator "a" (functions/a.ts:5): keyedByTopicKey needs what was read from a single topic and has had no other key; use keyBy.`,
    ]);
  });
});

describe("a topic read twice by one operator", () => {
  const sentence = (what: string) =>
    `Operator "a" (functions/a.ts:5) reads the topic "lines" more than once with different ${what}; read it once and use the stream twice.`;

  test("is read from one place, in one time", () => {
    const second = (options: Parameters<typeof stream<string, null>>[1]) =>
      define("a", simple, stream(lines, options).to(out));
    expect(problemsOf(second({ startAt: "latest" }))).toEqual([sentence("startAt")]);
    expect(problemsOf(second({ watermark: noWatermark() }))).toEqual([sentence("watermarks")]);
    expect(problemsOf(second({ timestampOf: () => 1 }))).toEqual([sentence("timestampOf")]);
    expect(problemsOf(second({}))).toEqual([]);
  });

  test("may give values here and records there", () => {
    const timed = topic("timed", { value: text(), timestampOf: (l) => l.length });
    expect(
      problemsOf(
        define(
          "a",
          stream(timed).to(out),
          records(timed)
            .map((r) => r.value)
            .to(out),
        ),
      ),
    ).toEqual([]);
  });
});

describe("warnings", () => {
  const warningsOf = (...sinks: Parameters<typeof define>[1][]) =>
    buildTopology("shop", [define("a", ...sinks)]).warnings;

  test("a key that nothing uses", () => {
    const warning = `Operator "a" (functions/a.ts:5): nothing uses the key of the keyBy "by-key": no state follows, and no topic with a key.`;
    expect(
      warningsOf(
        stream(lines)
          .keyBy((l) => l)
          .map((l) => l)
          .to(out),
      ),
    ).toEqual([warning]);
    const replaced = stream(lines)
      .keyBy((l) => l)
      .keyBy((l) => l.length, { name: "by-length" })
      .count();
    expect(warningsOf(replaced.to(out))).toEqual([warning]);
  });

  test("not a key that is written or kept", () => {
    expect(
      warningsOf(
        stream(lines)
          .keyBy((l) => l)
          .to(keyed),
      ),
    ).toEqual([]);
    expect(
      warningsOf(
        stream(lines)
          .keyBy((l) => l)
          .count()
          .to(out),
      ),
    ).toEqual([]);
  });

  test("an external topic that does not tell its partitions", () => {
    const crm = topic("crm", { value: text(), external: true });
    expect(warningsOf(stream(crm).to(out))).toEqual([
      `Operator "a" (functions/a.ts:5) reads the external topic "crm", whose declaration does not say how many partitions it has: 4 are assumed.`,
    ]);
  });
});
