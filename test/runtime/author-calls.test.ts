/** What authors log and count: published once, with the commit that won, however often their functions ran. */

import { at, json, milliseconds, monotonic, operator, stream, testDriver, text, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { World } from "./environments.ts";

const words = topic("words", { key: text(), value: text(), watermark: monotonic() });
const totals = topic("totals", { value: json<number>() });

const looked = stream(words).map((w, ctx) => {
  ctx.log.info("saw", { word: w, atMs: ctx.timestampMs });
  ctx.metrics.count("words");
  ctx.metrics.count("letters", w.length);
  if (w === "bad") throw new Error("bad");
  return w;
});
const counting = operator(
  "counting",
  looked
    .keyedByTopicKey()
    .count()
    .to(totals.from(({ value }) => value)),
);

describe("ctx.log and ctx.metrics", () => {
  test("are published once in strict mode, which runs every batch twice", async () => {
    await using driver = await testDriver(counting);
    await driver.send(words, at(1_000, "to", { key: "k" }), at(2_000, "be", { key: "k" }));
    const [report] = driver.reports.slice(-1);
    expect(report?.authorCounts).toEqual({ words: 2, letters: 4 });
    expect(report?.logs).toEqual([
      { level: "info", message: "saw", fields: { word: "to", atMs: 1_000 } },
      { level: "info", message: "saw", fields: { word: "be", atMs: 2_000 } },
    ]);
  });

  test("of an element that fails are not published, and those of the others are published once", async () => {
    await using driver = await testDriver(counting);
    await driver.send(words, at(1, "to", { key: "k" }), at(2, "bad", { key: "k" }), at(3, "be", { key: "k" }));
    const [report] = driver.reports.slice(-1);
    expect(report?.authorCounts).toEqual({ words: 2, letters: 4 });
    expect(report?.logs).toHaveLength(2);
  });

  test("are those of the winner alone where two raced", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", { key: "k", value: "a" }, { key: "k", value: "b" }, { key: "k", value: "c" });
    let calls = 0;
    const loser = world.environment({
      stateLog: {
        putEntry: async (task, entry) => {
          if (++calls === 1) await world.environment().deliver("words", 0, 2);
          return world.log.putEntry(task, entry);
        },
      },
    });
    await loser.deliver("words", 0);
    expect(world.reports.map(({ authorCounts }) => authorCounts.words)).toEqual([2, 1]);
  });

  test("are published although the emission of their commit fails, and not again when it is made up for", async () => {
    const world = await new World([counting]).createTopics();
    await world.write("words", { key: "k", value: "a" });
    const failing = world.environment({ broker: { produce: () => Promise.reject(new Error("down")) } });
    await expect(failing.deliver("words", 0)).rejects.toThrow("down");
    await world.environment().deliver("words", 0);
    expect(world.reports.map(({ authorCounts }) => authorCounts)).toEqual([{ words: 1, letters: 1 }]);
  });
});

describe("the context", () => {
  test("has the timestamp of a window's result behind a window, and the task's clock", async () => {
    const out = topic("out", { value: text() });
    const telling = operator(
      "telling",
      stream(words)
        .keyBy((w) => w)
        .window(tumbling(milliseconds(5_000)))
        .count()
        .map(({ key }, ctx) => `${key} ${ctx.timestampMs} ${ctx.processingTimeMs}`)
        .to(out),
    );
    await using driver = await testDriver(telling, { startMs: 70_000 });
    await driver.send(words, at(1_000, "a"), at(6_000, "b"));
    await driver.advanceWatermark(9_999);
    expect(await driver.read(out)).toEqual(["a 4999 70000", "b 9999 70000"]);
  });

  test("is the element's in a generator that goes on after a window behind it has fired", async () => {
    const out = topic("out", { value: text() });
    const generating = operator(
      "generating",
      stream(words)
        .keyedByTopicKey()
        .flatMap(function* (w, ctx) {
          yield `${w} ${ctx.timestampMs}`;
          yield `${w} ${ctx.timestampMs}`;
        })
        .window(tumbling(milliseconds(5_000)))
        .allowedLateness(milliseconds(60_000))
        .aggregate((on) => on.custom({ create: () => "", add: (_, line) => line, result: (a) => a }))
        .map(({ value }, ctx) => `${value} in ${ctx.timestampMs}`)
        .to(out),
    );
    await using driver = await testDriver(generating);
    await driver.advanceWatermark(10_000);
    await driver.send(words, at(1_000, "a", { key: "k" }));
    expect(await driver.read(out)).toEqual(["a 1000 in 4999", "a 1000 in 4999"]);
  });
});
