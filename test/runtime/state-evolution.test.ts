/** Process functions whose code changed and meets state of before: kept by name, begun anew, or refused with a sentence; never misread. */

import {
  counterState,
  json,
  listState,
  mapState,
  monotonic,
  type Operator,
  operator,
  type States,
  seconds,
  stream,
  text,
  topic,
  valueState,
} from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DEAD_LETTER_HEADERS } from "../../lib/runtime/dead-letter.ts";
import type { Header } from "../../lib/wire/record-columns.ts";
import { World } from "./environments.ts";

const items = topic("items", { key: text(), value: json<number>(), watermark: monotonic() });
const out = topic("out", { value: text() });

// biome-ignore lint/suspicious/noExplicitAny: what a version does with its states is up to each test.
type Anything = any;
type Version = {
  readonly state: States;
  readonly onElement: (n: number, ctx: Anything) => unknown;
  readonly onTimer?: (ctx: Anything) => unknown;
};

const version = ({ state, onElement, onTimer }: Version, name?: string, before: "map" | undefined = undefined) => {
  const keyed = stream(items).keyedByTopicKey();
  return operator(
    "evolving",
    (before === "map" ? keyed.map((n) => n) : keyed)
      .process(
        { state, onElement: onElement as never, ...(onTimer !== undefined && { onTimer: onTimer as never }) },
        name === undefined ? {} : { name },
      )
      .map((result) => String(result))
      .to(out),
  );
};

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function reasonIn(headers: readonly Header[]): string {
  return decode(headers.find(([name]) => name === DEAD_LETTER_HEADERS.reason)?.[1] as Uint8Array);
}

/** Runs versions over one log, each with elements of its own, all of one key; returns what came out, and why what did not. */
async function runAll(...versions: readonly (readonly [Operator, ...number[]])[]): Promise<string[]> {
  let last: World | undefined;
  for (const [one, ...numbers] of versions) {
    const world = new World([one]);
    if (last === undefined) await world.createTopics();
    else Object.assign(world, { broker: last.broker, log: last.log, nowMs: last.nowMs + 1_000 });
    last = world;
    for (const n of numbers) {
      const from = (await world.broker.offsets("items"))[0]?.high ?? 0;
      await world.write("items", { key: "k", value: String(n), timestampMs: 1_000 + from });
      await world.environment().deliver("items", from);
    }
  }
  const world = last as World;
  /** Without the repeats that every new environment sends. */
  const once = async (topic: string) => [
    ...new Map((await world.read(topic)).map((record) => [JSON.stringify(record.identity), record])).values(),
  ];
  return [
    ...(await once("out")).map(({ value }) => decode(value)),
    ...(await once("evolving--dead-letters")).map(({ headers }) => `dead: ${reasonIn(headers)}`),
  ];
}

const adding = (state: States = {}): Version => ({
  state: { sum: counterState(), ...state },
  onElement: (n, { state }) => [state.sum.add(n)],
});

describe("process functions that changed", () => {
  test("a step keeps its state by its name, whatever stands before it", async () => {
    expect(await runAll([version(adding(), "sums"), 1], [version(adding(), "sums", "map"), 2])).toEqual(["1", "3"]);
  });

  test("a step of another name begins anew", async () => {
    expect(await runAll([version(adding(), "sums"), 1], [version(adding(), "others"), 2])).toEqual(["1", "2"]);
  });

  test("a step that was of another kind is refused with a sentence", async () => {
    const counting = operator(
      "evolving",
      stream(items)
        .keyedByTopicKey()
        .count({ name: "sums" })
        .to(out.from(({ value }) => `${value}`)),
    );
    await expect(runAll([counting, 1], [version(adding(), "sums"), 2])).rejects.toThrow(
      'was of another kind in an earlier version of the code, and kept something: give it another name than "sums", or reset the function.',
    );
  });

  test("an added state begins empty, and the others stay", async () => {
    const more: Version = {
      state: { sum: counterState(), list: listState<number>() },
      onElement(n, { state }) {
        state.list.add(n);
        return [`${state.sum.add(n)} of ${state.list.get()}`];
      },
    };
    expect(await runAll([version(adding()), 1], [version(more), 2])).toEqual(["1", "3 of 2"]);
  });

  test("a state that is not declared any more stays where it is, and is there when it is declared again", async () => {
    const other: Version = { state: { other: counterState() }, onElement: (n, { state }) => [state.other.add(n)] };
    expect(await runAll([version(adding()), 1], [version(other), 2], [version(adding()), 4])).toEqual(["1", "2", "5"]);
  });

  test("a state of another kind is refused with a sentence before anything is read", async () => {
    const listed: Version = { state: { sum: listState<number>() }, onElement: () => [] };
    await expect(runAll([version(adding()), 1], [version(listed), 2])).rejects.toThrow(
      'The state "sum" was kept as counterState by an earlier version of the code and is a listState now: give it another name, or reset the function.',
    );
    const cleared: Version = { ...adding(), onElement: (_, { state }) => state.sum.clear() };
    const listing: Version = {
      ...listed,
      onElement: (n, { state }) => {
        state.sum.add(n);
        return [state.sum.get()];
      },
    };
    expect(await runAll([version(adding()), 1], [version(cleared), 2], [version(listing), 3])).toEqual(["1", "3"]);
  });

  test("a changed schema fills in its defaults, and what it refuses becomes a dead letter with a sentence", async () => {
    const keep = (schema: z.ZodType): Version => ({
      state: { it: valueState(schema) },
      onElement(n, { state }) {
        const before = state.it.get();
        if (n > 0) state.it.set({ n });
        return [JSON.stringify(before ?? null)];
      },
    });
    const first = keep(z.object({ n: z.number() }));
    const wider = keep(z.object({ n: z.number(), unit: z.string().default("cm") }));
    const other = keep(z.object({ n: z.string() }));
    expect(await runAll([version(first), 5], [version(wider), 0], [version(other), 0], [version(first), 0])).toEqual([
      "null",
      '{"n":5,"unit":"cm"}',
      '{"n":5}',
      expect.stringMatching(
        /^dead: An earlier version of the code kept in the state "it" what its schema now refuses: The value does not fit its schema: n: /,
      ),
    ]);
  });

  test("a changed time to live counts for what is kept already; what was kept without any lives until it is written again", async () => {
    const keep = (ttl: number | undefined): Version => ({
      state: {
        it: valueState<number>(ttl === undefined ? {} : { ttl: seconds(ttl) }),
        map: mapState<number>(ttl === undefined ? {} : { ttl: seconds(ttl) }),
      },
      onElement(n, { state }) {
        const before = `${state.it.get()} ${state.map.size}`;
        if (n > 0) state.it.set(n);
        if (n > 0) state.map.set("n", n);
        return [before];
      },
    });
    // A second passes between versions.
    expect(await runAll([version(keep(100)), 1], [version(keep(1)), 0])).toEqual(["undefined 0", "undefined 0"]);
    expect(
      await runAll([version(keep(undefined)), 1], [version(keep(1)), 0], [version(keep(1)), 2], [version(keep(1)), 0]),
    ).toEqual(["undefined 0", "1 1", "1 1", "undefined 0"]);
    expect(await runAll([version(keep(1)), 1], [version(keep(undefined)), 0])).toEqual(["undefined 0", "1 1"]);
  });

  test("timers of a version that had an onTimer are dropped in silence when they are due and there is none", async () => {
    const timed: Version = {
      state: {},
      onElement: (n, { timers }) => timers.eventTime(1_000 + n),
      onTimer: ({ firedAtMs }) => [`at ${firedAtMs}`],
    };
    const deaf: Version = { state: {}, onElement: (n) => [n] };
    expect(await runAll([version(timed), 0], [version(deaf), 1, 2, 3])).toEqual(["1", "2", "3"]);
    expect(await runAll([version(timed), 0], [version({ ...timed, onElement: (n) => [n] }), 1, 2])).toEqual([
      "1",
      "at 1000",
      "2",
    ]);
  });
});
