/** Process functions that break their contract: every mistake gets a sentence, and leaves nothing behind. */

import {
  at,
  counterState,
  json,
  milliseconds,
  monotonic,
  operator,
  type ProcessCtx,
  stream,
  testDriver,
  text,
  topic,
  valueState,
} from "millrace";
import { describe, expect, test } from "vitest";

type Item = { readonly id: string; readonly do?: string };

const items = topic("items", { value: json<Item>(), watermark: monotonic(), partitions: 1 });
const out = topic("out", { value: text(), partitions: 1 });
const keyed = stream(items).keyBy((item) => item.id);

describe("what breaks the contract gets a sentence", () => {
  const kept: { state?: ProcessCtx<string, never>["state"]; timers?: ProcessCtx<string, never>["timers"] } = {};
  // biome-ignore lint/suspicious/noExplicitAny: what no compiler lets through is what is tested.
  type Anything = any;
  const breaking: Record<string, (ctx: Anything) => unknown> = {
    nan: ({ timers }) => timers.eventTime(Number.NaN),
    infinite: ({ timers }) => timers.processingTime(Number.POSITIVE_INFINITY),
    text: ({ timers }) => timers.eventTime("soon"),
    date: ({ timers }) => timers.deleteEventTime(new Date(0)),
    bigint: ({ timers }) => timers.eventTime(5n),
    map: ({ state }) => state.value.set({ inside: new Map() }),
    undefined: ({ state }) => state.value.set(undefined),
    long: ({ state }) => state.value.set("x".repeat(2 << 20)),
    counter: ({ state }) => state.count.add("1"),
    async: async () => [],
    object: () => ({ id: "a" }),
    string: () => "text",
    null: () => null,
  };
  const contract = operator(
    "contract",
    keyed
      .process({
        state: { value: valueState<unknown>(), count: counterState() },
        onElement(item, ctx): Anything {
          if (item.do === "keep") Object.assign(kept, { state: ctx.state, timers: ctx.timers });
          return breaking[item.do as string]?.(ctx);
        },
        onTimer() {},
      })
      .map((value) => {
        if (kept.state !== undefined) (kept.state as Anything).count.add();
        return String(value);
      })
      .to(out),
  );

  test.each([
    ["nan", "a timer is set for a number of epoch milliseconds, not NaN"],
    ["infinite", "a timer is set for a number of epoch milliseconds, not Infinity"],
    ["text", "a timer is set for a number of epoch milliseconds, not a value of type string"],
    ["date", "a timer is set for a number of epoch milliseconds, not a value of type object"],
    ["bigint", "a timer is set for a number of epoch milliseconds, not a value of type bigint"],
    ["map", 'the state "value".inside is a Map and cannot cross a keyBy or be kept in state'],
    ["undefined", 'the state "value" cannot be set to undefined: use clear(), or null for nothing'],
    ["long", 'a value of the state "value" is longer than 1048576 characters'],
    ["counter", 'the state "count" adds numbers, not 1'],
    ["async", "process (onElement) returned a promise: it must not be async, use mapAsync"],
    ["object", "process (onElement) returned a object: return an array or another iterable, or nothing"],
    ["string", "process (onElement) returned a string: return an array or another iterable, or nothing"],
    ["null", "process (onElement) returned null: return an array or another iterable, or nothing"],
  ])("%s", async (what, sentence) => {
    await using driver = await testDriver(contract);
    await driver.send(items, at(1, { id: "a", do: what }));
    const [letter] = await driver.deadLetters(contract);
    expect(letter?.reason.startsWith(sentence), letter?.reason).toBe(true);
    expect(await driver.state(contract)).toEqual([]);
  });

  test("a handle that is kept beyond its call", async () => {
    await using driver = await testDriver(contract, { strict: false });
    breaking.keep = () => ["x"];
    await driver.send(items, at(1, { id: "a", do: "keep" }));
    const [letter] = await driver.deadLetters(contract);
    expect(letter?.reason).toBe('the state "count" is used outside of the call that it was given to: do not keep it');
    const { state, timers } = kept as Anything;
    expect(() => state.value.get()).toThrow(/is used outside of the call/);
    expect(() => timers.eventTime(1)).toThrow(/timers is used outside of the call/);
    kept.state = undefined as never;
  });

  test("a timer without an onTimer", async () => {
    const deaf = operator("deaf", keyed.process({ onElement: (_, { timers }) => timers.eventTime(1) }).to(out));
    await using driver = await testDriver(deaf);
    await driver.send(items, at(1, { id: "a" }));
    expect((await driver.deadLetters(deaf))[0]?.reason).toBe(
      "a timer is set, but the process function has no onTimer that it could call",
    );
  });

  test("timers that set each other for times that have passed, without end", { timeout: 60_000 }, async () => {
    const endless = operator(
      "endless",
      keyed
        .process({
          onElement: (_, { timers }) => timers.eventTime(1),
          onTimer: ({ timers, firedAtMs }) => timers.eventTime(firedAtMs),
        })
        .to(out),
    );
    await using driver = await testDriver(endless, { strict: false });
    await driver.send(items, at(1, { id: "a" }));
    await driver.advanceWatermark(10);
    expect((await driver.deadLetters(endless))[0]?.reason).toMatch(/^a timer sets another one that is due at once/);
  });

  test("a value of state that is changed in place, in strict mode", async () => {
    const changing = operator(
      "changing",
      keyed
        .process({
          state: { list: valueState<string[]>() },
          onElement(item, { state }) {
            const list = state.list.get() ?? [];
            list.push(item.id);
            state.list.set(list);
          },
        })
        .to(out),
    );
    await using driver = await testDriver(changing);
    await driver.send(items, at(1, { id: "a" }));
    await expect(driver.send(items, at(2, { id: "a" }))).rejects.toThrow(
      /changes its input in process \(onElement\), or a value that its state keeps.*make a copy/,
    );
  });

  test.each<[string, () => unknown, string]>([
    ["no spec", () => keyed.process(undefined as Anything), "process() takes { state, onElement, onTimer }."],
    ["no onElement", () => keyed.process({} as Anything), "process() takes a function, not undefined."],
    ["an async onElement", () => keyed.process({ onElement: async () => [] } as Anything), "must not be async"],
    [
      "no declaration",
      () => keyed.process({ state: { x: 1 }, onElement() {} } as Anything),
      'The state "x" of process() is no declaration',
    ],
    [
      "a wrong name",
      () => keyed.process({ state: { "a/b": counterState() }, onElement() {} }),
      'A state cannot be called "a/b"',
    ],
    [
      "no time to live",
      () => counterState({ ttl: milliseconds(0) }),
      "The ttl of a counterState must be longer than nothing",
    ],
    [
      "a wrong refresh",
      () => counterState({ refresh: "never" as Anything }),
      'The refresh of a counterState is "write" or "read"',
    ],
  ])("where it is made: %s", (_, make, sentence) => {
    expect(make).toThrow(sentence);
  });
});
