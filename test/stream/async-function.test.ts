/** What an asynchronous function may be declared as: wrong declarations are refused where they are made, with a sentence. */

import { asyncFunction, json, operator, seconds, secret, setting, stream, text, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { toAsyncSpec } from "../../lib/stream/async-function.ts";
import { toDescription, toText } from "../../lib/stream/describe.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

const call = async (word: string) => word;
const timeout = seconds(1);
const declare = (declared: unknown) => () => asyncFunction(declared as Parameters<typeof asyncFunction>[0]);

describe("is refused:", () => {
  test.each<[string, unknown, string]>([
    [
      "nothing",
      null,
      "it takes an object, as in { call: async (order, { signal }) => …, timeout: seconds(2) }, not null.",
    ],
    ["a function", call, "not a function."],
    ["no call", { timeout }, "it has either a call or a callBatch."],
    ["two calls", { call, callBatch: call, timeout }, "it has either a call or a callBatch."],
    ["a call that is a text", { call: "http://here", timeout }, "call is a function, not string."],
    ["no time-out", { call }, "timeout is a whole number of milliseconds from 1, not undefined."],
    ["no time", { call, timeout: 0 }, "timeout is a whole number of milliseconds from 1, not 0."],
    ["a part of a millisecond", { call, timeout: 1.5 }, "timeout is a whole number of milliseconds from 1, not 1.5."],
    ["attempts without time", { call, timeout, attemptTimeout: 0 }, "attemptTimeout is a whole number of milliseconds"],
    ["an order that there is not", { call, timeout, order: "any" }, 'order is "ordered" or "unordered", not "any".'],
    ["no capacity", { call, timeout, capacity: 0 }, "capacity is a whole number from 1, not 0."],
    ["a negative number of retries", { call, timeout, retries: -1 }, "retries is a whole number from 0, not -1."],
    ["infinite retries", { call, timeout, retries: Number.POSITIVE_INFINITY }, "retries is a whole number from 0"],
    ["a shrinking pause", { call, timeout, backoff: { multiplier: 0.5 } }, "backoff.multiplier is a number from 1"],
    ["a negative pause", { call, timeout, backoff: { initial: -1 } }, "backoff.initial is a whole number of"],
    ["a retryIf that is a value", { call, timeout, retryIf: true }, "retryIf is a function, not boolean."],
    ["a batch size without batches", { call, timeout, maxBatchSize: 2 }, "maxBatchSize belongs to callBatch."],
    ["an empty batch", { callBatch: call, timeout, maxBatchSize: 0 }, "maxBatchSize is a whole number from 1, not 0."],
    ["a cache without a key", { call, timeout, cache: { ttl: 1, maxEntries: 1 } }, "cache.key is a function"],
    ["a cache for ever", { call, timeout, cache: { key: call, maxEntries: 1 } }, "cache.ttl is a whole number of"],
    [
      "a cache without end",
      { call, timeout, cache: { key: call, ttl: 1 } },
      "cache.maxEntries is a whole number from 1",
    ],
    ["settings that nobody is given", { call, timeout, uses: {} }, "what it uses is given to open, and it has none."],
  ])("%s", (_, declared, sentence) => {
    expect(declare(declared)).toThrow(sentence);
    expect(declare(declared)).toThrow(expect.objectContaining({ code: "definition" }));
  });
});

test("one object is one function, however it is used", () => {
  const fn = asyncFunction({ call, timeout });
  expect(toAsyncSpec(fn, "mapAsync")).toBe(toAsyncSpec(fn, "replace"));
});

test("topology says where is asked, in which order, and what that needs", () => {
  const words = topic("words", { value: text() });
  const ask = operator(
    "ask",
    stream(words)
      .mapAsync({ call, timeout, order: "unordered" }, { name: "customer" })
      .mapAsync({
        uses: { api: setting("API_URL"), key: secret("shop/key") },
        open: () => 1,
        call,
        timeout,
      })
      .to(topic("answers", { value: json<string>() })),
  );
  const topology = buildTopology("shop", [ask.definition]);
  const shown = toText(topology);
  expect(shown).toContain("runs    mapAsync customer (unordered) → mapAsync (ordered)");
  expect(shown).toContain("set     API_URL\n     secret  shop/key");
  expect(toDescription(topology).operators[0]?.functions[0]).toMatchObject({
    commits: true,
    settings: ["API_URL"],
    secrets: ["shop/key"],
  });
});
