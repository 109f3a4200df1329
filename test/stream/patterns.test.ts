/** Patterns that do not make one are refused where they are written, with a sentence. */

import { boundedOutOfOrderness, json, minutes, seconds, stream, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { toDescription } from "../../lib/stream/describe.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { define, problemsOf } from "./streams.ts";

type Step = { readonly id: string };

const watermark = boundedOutOfOrderness(seconds(1));
const steps = stream(topic("steps", { value: json<Step>(), watermark })).keyBy(({ id }) => id);
const out = topic("out", { value: json<string>() });
const late = topic("late", { value: json<Step>() });

// biome-ignore lint/suspicious/noExplicitAny: what no compiler has seen.
type Loose = any;
const pattern = (build: (p: Loose) => unknown, options?: Loose): Loose => (steps as Loose).pattern(build, options);

describe("is refused where it is written", () => {
  test.each<[string, (p: Loose) => unknown]>([
    ['A pattern has two stages called "a"; give each a name of its own.', (p) => p.begin("a").next("b").next("a")],
    ['A stage of a pattern cannot be called "1a"', (p) => p.begin("1a")],
    ['A stage of a pattern cannot be called "__proto__"', (p) => p.begin("__proto__")],
    ["pattern() takes a function that returns a pattern", () => undefined],
    ["pattern() takes a function that returns a pattern", (p) => p],
    ["next() takes a function, not object.", (p) => p.begin("a").next("b", {})],
    ["The function given to where() must not be async", (p) => p.begin("a").where(async () => true)],
    ['The stage "a" is told twice how often it is to be taken.', (p) => p.begin("a").oneOrMore().times(2)],
    ['The stage "a" is taken a whole number of times from 1 to 1000, not 0.', (p) => p.begin("a").times(0)],
    ['The stage "a" is taken a whole number of times from 1 to 1000, not 1.5.', (p) => p.begin("a").times(1, 1.5)],
    ['The stage "a" is taken a whole number of times from 1 to 1000, not 1001.', (p) => p.begin("a").timesOrMore(1001)],
    ['The stage "a" is to be taken 3 to 2 times.', (p) => p.begin("a").times(3, 2)],
    ['The stage "a" is optional already.', (p) => p.begin("a").optional().optional()],
    ['The stage "a" is optional already.', (p) => p.begin("a").times(0, 2).optional()],
    [
      'The stage "b" cannot be optional, as the one before it is greedy',
      (p) => p.begin("a").oneOrMore().greedy().next("b").optional(),
    ],
    [
      'The stage "b" cannot be optional, as the one before it is greedy',
      (p) => p.begin("a").oneOrMore().greedy().notFollowedBy("n").next("b").times(0, 2),
    ],
    [
      'greedy() is for stages that may take several elements; say oneOrMore() or times() of "a" first.',
      (p) => p.begin("a").greedy(),
    ],
    [
      'The stage "a" allows combinations, so it cannot be greedy.',
      (p) => p.begin("a").oneOrMore().allowCombinations().greedy(),
    ],
    [
      'The stage "a" is greedy, so it cannot allow combinations.',
      (p) => p.begin("a").oneOrMore().greedy().allowCombinations(),
    ],
    ["consecutive() is for stages that may take several elements", (p) => p.begin("a").consecutive()],
    [
      'The stage "a" is told twice how its elements stand to each other.',
      (p) => p.begin("a").times(2).consecutive().allowCombinations(),
    ],
    [
      'until() is for stages with oneOrMore or timesOrMore; "a" has neither.',
      (p) =>
        p
          .begin("a")
          .times(2)
          .until(() => true),
    ],
    [
      'The stage "a" has an until already.',
      (p) =>
        p
          .begin("a")
          .oneOrMore()
          .until(() => true)
          .until(() => true),
    ],
    ['oneOrMore() is not for notNext("n"), which takes no element.', (p) => p.begin("a").notNext("n").oneOrMore()],
    [
      'optional() is not for notFollowedBy("n"), which takes no element.',
      (p) => p.begin("a").notFollowedBy("n").optional(),
    ],
    ['notNext("n") cannot follow the optional stage "b"', (p) => p.begin("a").next("b").optional().notNext("n")],
    [
      'notFollowedBy("n") cannot follow the optional stage "b"',
      (p) => p.begin("a").next("b").times(0, 1).notFollowedBy("n"),
    ],
    ['A pattern that ends with notFollowedBy("n") needs within()', (p) => p.begin("a").notFollowedBy("n")],
    [
      "within() takes a whole number of milliseconds above zero, such as minutes(5), not 0.",
      (p) => p.begin("a").within(0),
    ],
    ["such as minutes(5), not NaN.", (p) => p.begin("a").within(Number.NaN)],
    [
      "within() and afterMatch() are said of the whole pattern, behind its last stage.",
      (p) => p.begin("a").within(5).next("b"),
    ],
    [
      'afterMatch() takes "none", "to-next", "past-last", { toFirst: stage } or { toLast: stage }.',
      (p) => p.begin("a").afterMatch("next"),
    ],
    ["{ toFirst: stage } or { toLast: stage }.", (p) => p.begin("a").afterMatch({ toFirst: "a", toLast: "a" })],
    [
      'afterMatch() names "b", which is no stage of the pattern that takes elements.',
      (p) => p.begin("a").afterMatch({ toLast: "b" }),
    ],
    ['afterMatch() names "n", which is no stage', (p) => p.begin("a").notNext("n").afterMatch({ toFirst: "n" })],
  ])("%s", (sentence, build) => {
    expect(() => pattern(build)).toThrow(sentence);
  });

  test("with what is said of its matches", () => {
    const plain = (p: Loose) => p.begin("a");
    expect(() => pattern(plain, { time: "wall" })).toThrow(
      'The time of a pattern is "event" or "processing", not "wall".',
    );
    expect(() => pattern(plain, { partialMatchesMax: 0 })).toThrow(
      "The partialMatchesMax of a pattern is a whole number from 1 to 100000, not 0.",
    );
    expect(() => pattern(plain).lateTo("late")).toThrow("lateTo() takes a topic.");
    expect(() => pattern(plain, { time: "processing" }).lateTo(late)).toThrow("in processing time nothing is late.");
    expect(() => pattern(plain).timedOut(() => 1)).toThrow("timedOut() is for patterns with within()");
    expect(() => pattern(plain).select("a")).toThrow("select() takes a function, not string.");
  });
});

test("a pattern in event time needs a topic that has it, a key, and a name of its own", () => {
  const timeless = stream(topic("timeless", { value: json<Step>() })).keyBy(({ id }) => id);
  const select = (keyed: typeof steps, options: object = {}) =>
    keyed
      .pattern((p) => p.begin("a"), options)
      .select(() => "")
      .to(out);
  expect(problemsOf(define("a", select(timeless)))).toEqual([
    'Operator "a" (functions/a.ts:5): the pattern is in event time, but the topic "timeless" has none; give the topic a watermark, such as boundedOutOfOrderness(seconds(5)).',
  ]);
  expect(problemsOf(define("a", select(timeless, { time: "processing" })))).toEqual([]);
  expect(problemsOf(define("a", select(steps), select(steps)))).toEqual([
    'Operator "a" (functions/a.ts:5) has 2 steps of the kind "pattern" without a name after the keyBy "by-key"; name each but one, as in select(fn, { name: "abandoned" }), so that their state can be told apart.',
  ]);
});

test("a topology says what a pattern is, but for its conditions, and where late elements go", () => {
  const matches = steps.pattern((p) =>
    p
      .begin("a", ({ id }) => id !== "")
      .times(2, 3)
      .followedByAny("b")
      .oneOrMore()
      .optional()
      .consecutive()
      .until(() => true)
      .next("x")
      .notNext("c")
      .next("d")
      .within(minutes(1))
      .afterMatch({ toLast: "b" }),
  );
  const [, second] = toDescription(
    buildTopology("shop", [
      define(
        "a",
        matches
          .lateTo(late)
          .select(() => "", { name: "long" })
          .to(out),
      ),
    ]),
  ).operators.flatMap(({ functions }) => functions);
  expect(second?.steps).toEqual([
    "pattern long (a{2,3}, followedByAny b{1,}? consecutive until, next x, notNext c, next d, within 1 min, skip to-last b)",
  ]);
  expect(second?.writes.map((written) => written.topic)).toEqual(["late", "out"]);
});
