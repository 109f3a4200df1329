/** Broadcast streams and tables: every task knows them whole, keeps the same of them, and only they may change it. */

import {
  at,
  counterState,
  json,
  mapState,
  milliseconds,
  operator,
  stream,
  table,
  text,
  topic,
  tumbling,
  valueState,
} from "millrace";
import { describe, expect, test } from "vitest";
import { byCard, out, pay, payments, type Rule, rules, start, watermark } from "./payments-and-rules.ts";

const limits = topic("limits", { key: text(), value: json<number>(), watermark, compacted: true, partitions: 2 });
const cards = Array.from({ length: 12 }, (_, i) => `card-${i}`);

describe("a broadcast table", () => {
  const checking = operator(
    "checking",
    byCard
      .connect(table(limits).broadcast())
      .process({
        state: { sum: counterState() },
        onElement({ cents }, { key, state, broadcastState }) {
          const sum = state.sum.add(cents);
          const broken = broadcastState.entries().flatMap(([name, most]) => (sum > most ? [name] : []));
          return broken.length === 0 ? [] : [`${key} ${sum} > ${broken}`];
        },
      })
      .to(out),
  );

  test("is known whole to every task, from its shuffle of four partitions", async () => {
    await using driver = await start(checking);
    await driver.send(limits, at(1, 10, { key: "strict" }), at(1, 100, { key: "lax" }));
    await driver.send(payments, ...cards.map((card) => pay(card, 11)));
    expect((await driver.read(out)).sort()).toEqual(cards.map((card) => `${card} 11 > strict`).sort());
    const tasks = new Set((await driver.state(checking, "strict")).map(({ task }) => task));
    expect(tasks.size).toBe(4);
  });

  test("has the newest value of each key, in one order of keys, and a null value deletes", async () => {
    await using driver = await start(checking, { restartAfterEveryBatch: true });
    await driver.send(limits, at(5, 10, { key: "b" }), at(5, 10, { key: "a" }), at(5, 10, { key: "c" }));
    // The last that arrived, whatever its timestamp.
    await driver.send(limits, at(1, 99, { key: "a" }), at(1, null, { key: "c" }));
    await driver.send(payments, pay("card-1", 50));
    await driver.send(limits, at(9, 20, { key: "a" }));
    await driver.send(payments, pay("card-1", 1));
    expect(await driver.read(out)).toEqual(["card-1 50 > b", "card-1 51 > a,b"]);
  });

  test("tells of its changes, after them, and outputs come once from every task", async () => {
    const telling = operator(
      "telling",
      byCard
        .connect(table(limits).broadcast())
        .process({
          onElement: () => [],
          onBroadcast: ({ key, value }, { broadcastState, timestampMs }) => [
            `${key}=${value} at ${timestampMs}: ${broadcastState.keys()}`,
          ],
        })
        .to(out.from((line) => line)),
    );
    await using driver = await start(telling);
    await driver.send(limits, at(7, 1, { key: "a" }), at(8, null, { key: "a" }));
    expect((await driver.read(out)).sort()).toEqual([
      ...Array.from({ length: 4 }, () => "a=1 at 7: a"),
      ...Array.from({ length: 4 }, () => "a=null at 8: "),
    ]);
  });

  test("drops and counts records without a key", async () => {
    await using driver = await start(checking);
    await driver.send(limits, at(1, 3));
    expect(driver.reports.reduce((sum, { nullKeys }) => sum + nullKeys, 0)).toBe(1);
  });
});

describe("a broadcast stream", () => {
  const state = { sum: counterState(), first: valueState<number>() };
  const broadcastState = { rules: mapState<Rule>(), count: valueState<number>() };
  const risks = byCard.connect(stream(rules).broadcast()).process({
    state,
    broadcastState,
    onElement({ cents }, { key, state, broadcastState, timers, timestampMs }) {
      state.sum.add(cents);
      timers.eventTime(timestampMs + 10);
      return broadcastState.rules
        .values()
        .filter(({ mostCents }) => cents > mostCents)
        .map(({ name }) => `${key} breaks ${name} of ${broadcastState.count.get()}`);
    },
    onBroadcast(rule, { broadcastState }) {
      if (rule.mostCents < 0) broadcastState.rules.delete(rule.name);
      else broadcastState.rules.set(rule.name, rule);
      broadcastState.count.set((broadcastState.count.get() ?? 0) + 1);
    },
    *onTimer({ key, firedAtMs, broadcastState }) {
      yield `${key} timer ${firedAtMs}, ${broadcastState.rules.size} rules`;
    },
  });
  const watching = operator("watching", risks.to(out));
  const rule = (name: string, mostCents: number, ms = 1) => at(ms, { name, mostCents });

  test("makes the states that it declares, in every task, over restarts", async () => {
    await using driver = await start(watching, { restartAfterEveryBatch: true });
    await driver.send(rules, rule("b", 10), rule("a", 5), rule("c", 0));
    await driver.send(rules, rule("c", -1));
    await driver.send(payments, ...cards.map((card) => pay(card, 11)));
    expect((await driver.read(out)).sort()).toEqual(
      cards.flatMap((card) => [`${card} breaks a of 4`, `${card} breaks b of 4`]).sort(),
    );
  });

  test("takes part in the watermark: it is the minimum of both, and timers see what was broadcast", async () => {
    await using driver = await start(watching);
    for (const n of [0, 1, 2, 3]) await driver.send(payments, pay(`card-${n}`, 0, 5), pay(`card-${n}`, 0, 100));
    expect(await driver.read(out)).toEqual([]);
    await driver.send(rules, rule("a", 5, 15));
    expect(await driver.read(out)).toEqual([]);
    await driver.send(rules, rule("b", 5, 16));
    expect((await driver.read(out)).sort()).toEqual([0, 1, 2, 3].map((n) => `card-${n} timer 15, 2 rules`));
  });

  test("keeps the key of elements, so that state may follow without a keyBy", async () => {
    const counting = operator(
      "counting",
      risks.count({ name: "lines" }).to(out.from(({ key, value }) => `${key} ${value}`)),
    );
    await using driver = await start(counting);
    await driver.send(rules, rule("a", 5), rule("b", 5));
    await driver.send(payments, pay("card-3", 6));
    expect(await driver.read(out)).toEqual(["card-3 1", "card-3 2"]);
  });

  test("can be met by several streams, each with a shuffle of its own, and by a stream behind a window", async () => {
    const all = stream(rules).broadcast();
    const spec = {
      broadcastState: { count: valueState<number>() },
      onBroadcast(
        _: Rule,
        {
          broadcastState: { count },
        }: { broadcastState: { count: { get(): number | undefined; set(n: number): void } } },
      ) {
        count.set((count.get() ?? 0) + 1);
      },
    };
    const sums = stream(payments)
      .keyBy(({ card }) => card, { name: "by-sum" })
      .window(tumbling(milliseconds(10)))
      .sum(({ cents }) => cents);
    const two = operator(
      "two",
      byCard
        .connect(all)
        .process({ ...spec, onElement: ({ card }, { broadcastState }) => [`${card}: ${broadcastState.count.get()}`] })
        .to(out),
      sums
        .connect(all)
        .process({
          ...spec,
          onElement: ({ key, value }, { broadcastState }) => [`${key} ${value}: ${broadcastState.count.get()}`],
        })
        .to(out),
    );
    await using driver = await start(two);
    await driver.send(rules, rule("a", 1), rule("b", 1));
    await driver.send(payments, pay("card-1", 6, 2), pay("card-1", 7, 3));
    await driver.advanceWatermark(100);
    expect((await driver.read(out)).sort()).toEqual(["card-1 13: 2", "card-1: 2", "card-1: 2"]);
  });

  describe("forEachKey", () => {
    const resetting = operator(
      "resetting",
      byCard
        .connect(stream(rules).broadcast())
        .process({
          state,
          onElement({ cents }, { state }) {
            state.sum.add(cents);
            state.first.set(cents);
          },
          *onBroadcast({ name, mostCents }, { forEachKey }) {
            const found: string[] = [];
            forEachKey("sum", (key, sum) => {
              found.push(`${key}=${sum.value}`);
              if (sum.value > mostCents) sum.clear();
            });
            yield `${name}: ${found}`;
          },
        })
        .to(out.from((line) => line)),
    );

    test("visits every key of the task that has something in the state, in order, and may change it", async () => {
      await using driver = await start(resetting, { partitions: 1, restartAfterEveryBatch: true });
      await driver.send(payments, ...[4, 2, 3, 1].map((n) => at(1, { card: `card-${n}`, cents: n })));
      await driver.send(rules, rule("a", 2), rule("b", 0));
      await driver.send(rules, rule("c", 0));
      expect(await driver.read(out)).toEqual(["a: card-1=1,card-2=2,card-3=3,card-4=4", "b: card-1=1,card-2=2", "c: "]);
    });

    test("visits all keys, each in its own task", async () => {
      await using driver = await start(resetting);
      await driver.send(payments, ...cards.map((card) => pay(card, 1)));
      await driver.send(rules, rule("a", 0));
      const lines = await driver.read(out);
      expect(lines).toHaveLength(4);
      expect(lines.flatMap((line) => line.slice(3).split(",").filter(Boolean)).sort()).toEqual(
        cards.map((card) => `${card}=1`).sort(),
      );
    });
  });
});

describe("a stream without a key", () => {
  const spread = operator(
    "spread",
    stream(payments)
      .connect(stream(rules).broadcast())
      .process({
        broadcastState: { names: mapState<number>() },
        onElement: ({ card }, { broadcastState }) => [`${card} ${broadcastState.names.keys()}`],
        onBroadcast: ({ name }, { broadcastState }) => broadcastState.names.set(name, 1),
      })
      .to(out),
  );

  test("meets what is broadcast, and a source partition's elements stay together and in order", async () => {
    await using driver = await start(spread);
    await driver.send(rules, at(1, { name: "a", mostCents: 0 }));
    await driver.send(payments, ...cards.map((card) => pay(card, 1)));
    await driver.send(rules, at(1, { name: "b", mostCents: 0 }));
    await driver.send(payments, pay("card-0", 1));
    const records = await driver.readRecords(out);
    expect(records.map(({ value }) => value).sort()).toEqual(
      [...cards.map((card) => `${card} a`), "card-0 a,b"].sort(),
    );
    for (const [task, own] of Map.groupBy(records, ({ identity }) => identity?.task)) {
      const partition = Number(task?.at(-1));
      expect(own.map(({ value }) => value.split(" ")[0])).toEqual(
        [...cards, "card-0"].filter((card) => Number(card.slice(5)) % 4 === partition),
      );
    }
  });

  test("has a shuffle of as many partitions as it has itself, whatever the broadcast topic has", async () => {
    const wide = topic("wide", { key: text(), value: json<number>(), watermark, compacted: true, partitions: 9 });
    const meeting = operator(
      "meeting",
      stream(payments)
        .connect(table(wide).broadcast(), { name: "with-limits" })
        .process({ onElement: ({ cents }, { broadcastState }) => [`${cents} ${broadcastState.size}`] })
        .to(out),
    );
    await using driver = await start(meeting);
    await driver.send(wide, ...[1, 2, 3].map((n) => at(n, n, { key: `${n}` })));
    await driver.send(payments, pay("card-1", 6));
    expect(await driver.read(out)).toEqual(["6 3"]);
    expect(new Set((await driver.state(meeting, "1")).map(({ task }) => task)).size).toBe(4);
  });
});
