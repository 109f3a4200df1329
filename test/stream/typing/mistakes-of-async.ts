/** Mistakes in asynchronous functions that must not compile, each with the first line of what the compiler says about it. */

import type { Mistake } from "./mistakes.ts";

export const MISTAKES_OF_ASYNC: readonly Mistake[] = [
  {
    title: "a call that is not asynchronous",
    code: `stream(lines).mapAsync({ call: (line) => line.length, timeout: seconds(1) })`,
    error:
      "TS2322: Type '(line: string) => number' is not assignable to type '(value: string, call: AsyncCall<undefined>) => PromiseLike<unknown>'.",
  },
  {
    title: "a call without a time-out",
    code: `stream(lines).mapAsync({ call: async (line) => line.length })`,
    error:
      "TS2741: Property 'timeout' is missing in type '{ call: (line: string) => Promise<number>; }' but required in type 'AsyncFunction<string, unknown, Record<never, never>, undefined>'.",
  },
  {
    title: "a function instead of a declaration",
    code: `stream(lines).mapAsync(async (line: string) => line.length)`,
    error:
      "TS2345: Argument of type '(line: string) => Promise<number>' is not assignable to parameter of type 'AsyncFunction<string, unknown, Record<never, never>, undefined>'.",
  },
  {
    title: "a time-out as a number",
    code: `stream(lines).mapAsync({ call: async (line) => line.length, timeout: 1_000 })`,
    error: "TS2322: Type 'number' is not assignable to type 'Duration'.",
  },
  {
    title: "an asynchronous function of another element",
    code: `stream(lines).mapAsync(asyncFunction({ call: async (order: { id: string }) => order.id, timeout: seconds(1) }))`,
    error:
      "TS2345: Argument of type 'AsyncFunction<{ id: string; }, string, Record<never, never>, undefined>' is not assignable to parameter of type 'AsyncFunction<string, string, Record<never, never>, undefined>'.",
  },
  {
    title: "a secret as a text",
    code: `stream(lines).mapAsync({ uses: { key: "hush" }, call: async (line) => line, timeout: seconds(1) })`,
    error: "TS2322: Type 'string' is not assignable to type 'Secret | Setting'.",
  },
  {
    title: "a setting that is not declared",
    code: `stream(lines).mapAsync({ uses: { api: setting("API_URL") }, open: ({ url }) => url, call: async (line) => line, timeout: seconds(1) })`,
    error: "TS2339: Property 'url' does not exist on type 'ValuesOf<NoInfer<{ api: Setting; }>>'.",
  },
  {
    title: "a cache by an object",
    code: `stream(orders).mapAsync({ call: async (order) => order.id, timeout: seconds(1), cache: { key: (order) => order, ttl: seconds(1), maxEntries: 9 } })`,
    error: "TS2322: Type 'Order' is not assignable to type 'Key'.",
  },
  {
    title: "an order that there is not",
    code: `stream(lines).mapAsync({ call: async (line) => line, timeout: seconds(1), order: "any" })`,
    error: 'TS2322: Type \'"any"\' is not assignable to type \'"ordered" | "unordered" | undefined\'.',
  },
  {
    title: "a batch that gives one result",
    code: `stream(lines).mapAsync({ callBatch: async (values) => values.length, timeout: seconds(1) })`,
    error:
      "TS2322: Type '(values: readonly string[]) => Promise<number>' is not assignable to type '(values: readonly string[], call: AsyncCall<undefined>) => PromiseLike<readonly unknown[]>'.",
  },
  {
    title: "an async combine",
    code: `stream(lines).mapAsync({ call: async (line) => line.length, timeout: seconds(1) }, { combine: async (line, n) => line + n })`,
    error:
      "TS2322: Type '(line: string, n: number) => Promise<string>' is not assignable to type '(value: string, answer: number, ctx: Ctx) => Promise<string> & Mistake<\"this function must not be async: use mapAsync\">'.",
  },
  {
    title: "a later step on another answer",
    code: `stream(lines).mapAsync({ call: async (line) => line.length, timeout: seconds(1) }).map((n) => n.toUpperCase())`,
    error: "TS2339: Property 'toUpperCase' does not exist on type 'number'.",
  },
];
