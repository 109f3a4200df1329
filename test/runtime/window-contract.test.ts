/** Windows whose triggers, assigners, evictors and aggregates break their contract: every mistake gets a sentence, and the neighbours their results. */

import {
  at,
  customEvictor,
  customTrigger,
  customWindows,
  deltaEvictor,
  deltaTrigger,
  globalWindow,
  json,
  milliseconds,
  monotonic,
  type Operator,
  operator,
  session,
  stream,
  type TriggerContext,
  testDriver,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: what no compiler lets through is what is tested.
type Anything = any;
type Item = { readonly id: string; readonly n: number; readonly isBad?: boolean };

const ms = milliseconds;
const items = topic("items", { value: json<Item>(), watermark: monotonic(), partitions: 1 });
const out = topic("out", { value: json<unknown>(), partitions: 1 });
const keyed = stream(items).keyBy((item) => item.id);

/** What is wrong for the elements that say so, and right for the others. */
const breaks =
  <T>(right: T, wrong: unknown) =>
  (item: Item): T =>
    (item.isBad === true ? wrong : right) as T;

const triggered = (
  onElement: (item: Item, context: TriggerContext<unknown, unknown>) => Anything,
  more: Readonly<Record<string, Anything>> = {},
) =>
  keyed
    .window(tumbling(ms(10)))
    .trigger(customTrigger<Item, unknown>({ state: () => 0, onElement, ...more }))
    .sum(({ n }) => n);

const assigned = (wrong: unknown, merging = false) =>
  keyed.window(customWindows<Item>({ assign: breaks([{ startMs: 0, endMs: 10 }], wrong), merging })).sum(({ n }) => n);

const evicted = (wrong: (elements: readonly { value: Item; timestampMs: number }[]) => unknown) =>
  keyed
    .window(tumbling(ms(10)))
    .evictor(
      customEvictor<Item>({
        before: (elements) =>
          (elements.some(({ value }) => value.isBad) ? wrong(elements) : elements) as typeof elements,
      }),
    )
    .sum(({ n }) => n);

const aggregated = (result: (sum: number) => Anything) =>
  keyed.window(tumbling(ms(10))).aggregate((on) =>
    on.custom({
      create: () => 0,
      add: (sum: number, item: Item) => sum + item.n + (item.isBad ? 1_000 : 0),
      merge: (a: number, b: number) => a + b,
      result,
    }),
  );

const ofTrigger = 'returned "maybe"; it returns "continue", "fire", "purge" or "fire-and-purge".';

describe("an element, or a firing, that breaks the contract is a dead letter with a sentence", () => {
  const cases: readonly (readonly [what: string, windows: { to: (t: typeof out) => Anything }, sentence: string])[] = [
    ["a trigger's result", triggered(breaks("fire", "maybe")), `onElement of a custom trigger ${ofTrigger}`],
    [
      "no result of a trigger",
      triggered(breaks("fire", undefined)),
      "onElement of a custom trigger returned undefined;",
    ],
    ["a promise", triggered(breaks("fire", Promise.resolve("fire"))), "onElement of a custom trigger returned "],
    [
      "a trigger's timer at no time",
      triggered((item, context) => {
        if (item.isBad) context.setEventTimer(Number.NaN);
        return "fire";
      }),
      "A trigger sets a timer at NaN; a timer's time is a whole number of milliseconds.",
    ],
    [
      "a trigger's timer between two milliseconds",
      triggered((item, context) => {
        if (item.isBad) context.setProcessingTimer(0.5);
        return "fire";
      }),
      "A trigger sets a timer at 0.5; a timer's time is a whole number of milliseconds.",
    ],
    [
      "a trigger's state that cannot be kept",
      triggered((item, context) => {
        if (item.isBad) context.state = new Map();
        return "fire";
      }),
      "the state of the trigger is a Map and cannot cross a keyBy or be kept in state",
    ],
    [
      "a trigger's state that is too long",
      triggered((item, context) => {
        if (item.isBad) context.state = "x".repeat(2 << 20);
        return "fire";
      }),
      "a value of the state of the trigger is longer than 1048576 characters",
    ],
    [
      "a trigger's timer that answers nonsense",
      triggered(
        (item, context) => {
          context.setEventTimer(context.maxTimestampMs);
          if (item.isBad) context.state = 1;
          return "continue";
        },
        { onEventTime: (_: number, context: Anything) => (context.state === 1 ? "maybe" : "fire") },
      ),
      `onEventTime of a custom trigger ${ofTrigger}`,
    ],
    [
      "a difference that is none",
      keyed
        .window(globalWindow())
        .trigger(deltaTrigger<Item>(-1, (_, item) => breaks(0, Number.NaN)(item)))
        .sum(({ n }) => n),
      "The function given to deltaTrigger returned NaN, not a number.",
    ],
    [
      "a difference from the last that is none",
      keyed
        .window(tumbling(ms(10)))
        .evictor(deltaEvictor<Item>(1, (item, last) => breaks(0, "0")(item.isBad === true ? item : last)))
        .sum(({ n }) => n),
      "The function given to deltaEvictor returned a string, not a number.",
    ],
    ["no windows", assigned(undefined), "assign of customWindows returned no array of windows"],
    ["a window that is no window", assigned([null]), "assign of customWindows returned a window from undefined"],
    [
      "a window that is empty",
      assigned([{ startMs: 5, endMs: 5 }]),
      "assign of customWindows returned a window from 5 to 5",
    ],
    [
      "a window between two milliseconds",
      assigned([{ startMs: 0.5, endMs: 5 }]),
      "assign of customWindows returned a window from 0.5",
    ],
    [
      "a window without end",
      assigned([{ startMs: 0, endMs: Number.POSITIVE_INFINITY }]),
      "assign of customWindows returned a window from 0 to Infinity",
    ],
    [
      "windows beyond number",
      assigned(Array.from({ length: 10_001 }, (_, i) => ({ startMs: i, endMs: i + 1 }))),
      "assign of customWindows returned no array of windows, or one of more than 10000.",
    ],
    [
      "a gap of no length",
      keyed.window(session(breaks(ms(10), 0))).sum(({ n }) => n),
      "The function given to session returned 0; a gap is a whole number of milliseconds above zero.",
    ],
    [
      "what an evictor leaves",
      evicted(() => undefined),
      "A custom evictor returned something else than an array of elements that it was given.",
    ],
    [
      "elements that an evictor made",
      evicted((elements) => elements.map((element) => ({ ...element }))),
      "A custom evictor returned something else than an array of elements that it was given.",
    ],
    [
      "a sum of what is no number",
      keyed.window(tumbling(ms(10))).sum((item) => breaks(item.n, "1")(item)),
      "The function given to sum returned a string, not a number.",
    ],
    [
      "a result that cannot be written",
      aggregated((sum) => (sum > 500 ? 5n : sum)),
      "The value cannot be written as JSON",
    ],
  ];

  test.each(cases)("%s", async (_, windows, sentence) => {
    const contract = operator("contract", windows.to(out)) as Operator;
    await using driver = await testDriver(contract);
    await driver.send(
      items,
      at(1, { id: "good", n: 7 }),
      at(1, { id: "good", n: 70 }),
      at(2, { id: "bad", n: 1 }),
      at(3, { id: "bad", n: 1, isBad: true }),
    );
    await driver.advanceWatermark(100);
    const letters = await driver.deadLetters(contract);
    expect(letters.map(({ reason }) => reason)).toEqual([expect.stringContaining(sentence)]);
    // The neighbour is as if nothing had been.
    expect(await driver.read(out)).toContainEqual(expect.objectContaining({ key: "good", value: 77 }));
  });
});
