/** Mistakes with joins that must not compile, each with the first line of what the compiler says about it. */

import type { Mistake } from "./mistakes.ts";

const BY_ID = "stream(orders).keyBy((o) => o.id)";
const BY_LENGTH = "stream(lines).keyBy((l) => l.length)";
const DATED = `${BY_ID}.map((o) => ({ id: o.id, at: new Date() }))`;
const OTHER_KEYS = "the two streams have keys of different types, so none of them could be equal";
const DATE = ".at cannot be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)";

function refused(type: string, sentence: string): string {
  return `TS2345: Argument of type '${type}' is not assignable to parameter of type '${type} & Mistake<"${sentence}">'.`;
}

export const MISTAKES_OF_JOINS: readonly Mistake[] = [
  {
    title: "an interval join of other keys",
    code: `${BY_ID}.intervalJoin(${BY_LENGTH})`,
    error: refused("KeyedStream<string, number>", OTHER_KEYS),
  },
  {
    title: "a window join of other keys",
    code: `${BY_ID}.join(${BY_LENGTH}).window(tumbling(seconds(1)))`,
    error: refused("KeyedStream<string, number>", OTHER_KEYS),
  },
  {
    title: "a coGroup of other keys",
    code: `${BY_LENGTH}.coGroup(${BY_ID})`,
    error: refused("KeyedStream<Order, string>", OTHER_KEYS),
  },
  {
    title: "a table of other keys",
    code: `${BY_LENGTH}.join(table(latest)).map((line) => line)`,
    error: refused("Table<Order, string>", OTHER_KEYS),
  },
  {
    title: "a window join of what has no key",
    code: `${BY_ID}.join(stream(orders)).window(tumbling(seconds(1)))`,
    error: "TS2345: Argument of type 'Stream<Order, string>' is not assignable to parameter of type 'Joinable'.",
  },
  {
    title: "a left join of a stream",
    code: `${BY_ID}.leftJoin(${BY_ID})`,
    error:
      "TS2345: Argument of type 'KeyedStream<Order, string>' is not assignable to parameter of type 'Table<unknown, Key>'.",
  },
  {
    title: "bounds as numbers",
    code: `${BY_ID}.intervalJoin(${BY_ID}).between(-5, seconds(1))`,
    error: "TS2345: Argument of type 'number' is not assignable to parameter of type 'Duration'.",
  },
  {
    title: "an async join",
    code: `${BY_ID}.intervalJoin(${BY_ID}).between(seconds(0), seconds(1)).map(async (left) => left.id)`,
    error:
      "TS2322: Type 'Promise<string>' is not assignable to type 'Promise<string> & Mistake<\"this function must not be async: use mapAsync\">'.",
  },
  {
    title: "late elements to a topic of something else",
    code: `${BY_ID}.intervalJoin(${BY_ID}).between(seconds(0), seconds(1)).lateTo({ left: lines })`,
    error:
      "TS2322: Type 'Topic<string, string, unknown, null>' is not assignable to type 'Topic<Order, unknown, string, unknown>'.",
  },
  {
    title: "a date on the left side",
    code: `${DATED}.intervalJoin(${BY_ID})`,
    error: `TS2741: Property 'mistake' is missing in type 'KeyedStream<{ id: string; at: Date; }, string>' but required in type 'Mistake<"${DATE}">'.`,
  },
  {
    title: "a date on the right side",
    code: `${BY_ID}.join(${DATED}).window(tumbling(seconds(1)))`,
    error: refused("KeyedStream<{ id: string; at: Date; }, string>", DATE),
  },
  {
    title: "a version that may be missing",
    code: `${BY_ID}.leftJoin(table(latest)).map((order, version) => version.id)`,
    error: "TS18048: 'version' is possibly 'undefined'.",
  },
  {
    title: "a table without keys",
    code: "table(lines)",
    error:
      "TS2345: Argument of type 'Topic<string, string, unknown, null>' is not assignable to parameter of type 'Topic<never, string, never, Key>'.",
  },
  {
    title: "a join without windows",
    code: `${BY_ID}.join(${BY_ID}).map(() => 1)`,
    error: "TS2339: Property 'map' does not exist on type 'WindowJoin<Order, Order, string>'.",
  },
  {
    title: "windows over a table",
    code: `${BY_ID}.join(table(latest)).window(tumbling(seconds(1)))`,
    error: "TS2339: Property 'window' does not exist on type 'Joined<Order, Order, string>'.",
  },
  {
    title: "a coGroup that gives one thing",
    code: `${BY_ID}.coGroup(${BY_ID}).window(tumbling(seconds(1))).flatMap((lefts) => lefts.length)`,
    error:
      "TS2322: Type 'number' is not assignable to type 'number & Mistake<\"return an array or another iterable, empty for nothing\">'.",
  },
];
