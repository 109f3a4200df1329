/** What a mapAsync keeps in an environment, and needs of it: the cache, settings, secrets, and what tests put in their place. */

import {
  asyncFunction,
  json,
  operator,
  type Stream,
  seconds,
  secret,
  setting,
  stream,
  testDriver,
  text,
  topic,
} from "millrace";
import { describe, expect, test } from "vitest";
import { buildTopology } from "../../lib/stream/topology.ts";

const words = topic("words", { key: text(), value: text() });
const answers = topic("answers", { key: text(), value: json<unknown>() });
const timeout = seconds(2);

const asking = (build: (from: Stream<string, string>) => Stream<unknown, unknown>) =>
  operator("ask", build(stream(words)).to(answers.record({ key: () => "k", value: (value) => value })));

describe("the cache", () => {
  test("holds by the task's clock, for all steps and tasks that use the function", async () => {
    const calls: string[] = [];
    const fn = asyncFunction({
      call: async (word: string) => {
        calls.push(word);
        return word.toUpperCase();
      },
      timeout,
      cache: { key: (word) => word, ttl: seconds(60), maxEntries: 100 },
    });
    const ask = asking((from) =>
      from
        .mapAsync(fn)
        .map((word) => word.toLowerCase())
        .mapAsync(fn),
    );
    await using driver = await testDriver(ask);
    await driver.send(words, "a", "a", "b");
    expect(calls).toEqual(["a", "b"]);
    await driver.advanceClock(seconds(59));
    await driver.send(words, "a");
    expect(calls).toEqual(["a", "b"]);
    await driver.advanceClock(seconds(1));
    await driver.send(words, "a");
    expect(calls).toEqual(["a", "b", "a"]);
    await driver.restart();
    await driver.send(words, "a");
    expect(calls).toEqual(["a", "b", "a", "a"]);
  });
});

describe("settings and secrets", () => {
  const priceOf = asyncFunction({
    uses: { api: setting("PRICES_API"), key: secret("shop/prices") },
    open: ({ api, key }) => ({ price: (word: string) => `${word} of ${api} by ${key}` }),
    call: async (word: string, { client }) => client.price(word),
    timeout,
  });
  const ask = asking((from) => from.mapAsync(priceOf));

  test("reach the client", async () => {
    const environment = { PRICES_API: "http://prices", MILLRACE_SECRET_SHOP_PRICES: "hush" };
    await using driver = await testDriver(ask, { environment });
    await driver.send(words, "a");
    expect(await driver.read(answers)).toEqual(["a of http://prices by hush"]);
  });

  test("that are missing are an error before anything is processed, and no dead letter", async () => {
    const missing =
      "Function ask cannot begin: the secret shop/prices is missing; set the environment variable MILLRACE_SECRET_SHOP_PRICES, or put it into .millrace/secrets.json; the setting PRICES_API is missing; set the environment variable of this name. Nothing was processed.";
    await using driver = await testDriver(ask);
    await expect(driver.send(words, "a")).rejects.toMatchObject({ code: "setting-missing", message: missing });
    expect([await driver.read(answers), await driver.deadLetters(ask)]).toEqual([[], []]);
  });

  test("are not needed where the function is replaced", async () => {
    await using driver = await testDriver(ask);
    driver.replace(priceOf, (word) => `${word}!`);
    await driver.send(words, "a");
    driver.replace(priceOf, async (word, { attempt }) => `${word} ${attempt}`);
    await driver.send(words, "b");
    driver.replace(priceOf, () => {
      throw new Error("sold out");
    });
    await driver.send(words, "c");
    expect(await driver.read(answers)).toEqual(["a!", "b 1"]);
    expect((await driver.deadLetters(ask)).map(({ reason }) => reason)).toEqual([
      "mapAsync failed after 1 attempt: sold out",
    ]);
  });

  test("are listed in the plan, once each, in the functions that need them", () => {
    const split = operator(
      "split",
      stream(words)
        .mapAsync(priceOf)
        .keyBy((word) => word)
        .mapAsync({
          uses: { mine: setting("MY_OWN"), api: setting("PRICES_API") },
          open: () => 1,
          call: async (word) => word,
          timeout,
        })
        .count()
        .to(answers),
    );
    const { functions } = buildTopology("shop", [split.definition]);
    expect(functions.map(({ name, uses }) => [name, ...uses.map((use) => `${use.kind} ${use.name}`)])).toEqual([
      ["split", "secret shop/prices", "setting PRICES_API"],
      ["split--by-key", "setting MY_OWN", "setting PRICES_API"],
    ]);
  });
});
