/** Broadcast state outside of its turn, in functions that throw, and in an environment that stays: it is changed by onBroadcast alone, and in all tasks alike. */

import { at, counterState, mapState, operator, stream, valueState } from "millrace";
import { describe, expect, test } from "vitest";
import { byCard, out, pay, payments, rules, start } from "./payments-and-rules.ts";

describe("an environment that stays", () => {
  test("sees every change, between elements that looked at everything", async () => {
    const looking = operator(
      "looking",
      byCard
        .connect(stream(rules).broadcast())
        .process({
          broadcastState: { all: mapState<number>() },
          onElement: (_, { broadcastState: { all } }) => [`${all.entries()}`],
          onBroadcast({ name, mostCents }, { broadcastState: { all } }) {
            if (name === "clear") all.clear();
            else if (mostCents < 0) all.delete(name);
            else all.set(name, mostCents);
          },
        })
        .to(out),
    );
    await using driver = await start(looking, { strict: false });
    const changes = [
      ["b", 1],
      ["a", 2],
      ["b", 3],
      ["a", -1],
      ["clear", 0],
    ] as const;
    for (const [name, mostCents] of changes) {
      await driver.send(rules, at(1, { name, mostCents }));
      await driver.send(payments, pay("card-0", 1));
    }
    expect(await driver.read(out)).toEqual(["b,1", "a,2,b,1", "a,2,b,3", "b,3", ""]);
  });

  test("lets nobody change anything after onBroadcast", async () => {
    const changing = operator(
      "changing",
      byCard
        .connect(stream(rules).broadcast())
        .process({
          broadcastState: { last: valueState<number>() },
          onElement(_, { broadcastState: { last } }) {
            (last as unknown as { set(n: number): void }).set(0);
            return ["changed"];
          },
          onBroadcast: ({ mostCents }, { broadcastState: { last } }) => last.set(mostCents),
        })
        .to(out),
    );
    await using driver = await start(changing, { strict: false });
    await driver.send(rules, at(1, { name: "a", mostCents: 1 }));
    await driver.send(payments, pay("card-0", 1));
    expect(await driver.read(out)).toEqual([]);
    expect(await driver.deadLetters(changing)).toHaveLength(1);
  });
});

describe("what throws", () => {
  let broken = true;
  const failing = operator(
    "failing",
    byCard
      .connect(stream(rules).broadcast())
      .process({
        state: { n: counterState() },
        broadcastState: { names: mapState<number>() },
        onElement({ cents }, { key, state, broadcastState }) {
          state.n.add();
          if (broken && cents === 13) throw new Error("thirteen");
          return [`${key} ${state.n.value} ${broadcastState.names.keys()}`];
        },
        onBroadcast({ name, mostCents }, { broadcastState, forEachKey }) {
          broadcastState.names.set(name, 1);
          forEachKey("n", (_, n) => n.add(10));
          if (broken && mostCents === 13) throw new Error("thirteen");
        },
      })
      .to(out),
  );
  const rule = (name: string, mostCents: number) => at(1, { name, mostCents });

  test("in onBroadcast leaves nothing behind, in any task, and is a dead letter of each; redriven, it is taken in each", async () => {
    broken = true;
    await using driver = await start(failing);
    await driver.send(payments, ...[0, 1, 2, 3].map((n) => pay(`card-${n}`, 1)));
    await driver.send(rules, rule("a", 1), rule("b", 13), rule("c", 1));
    await driver.send(payments, ...[0, 1, 2, 3].map((n) => pay(`card-${n}`, 1)));
    const expected = (n: number, names: string) => [0, 1, 2, 3].map((card) => `card-${card} ${n} ${names}`);
    expect((await driver.read(out)).filter((line) => !line.endsWith(" 1 ")).sort()).toEqual(expected(22, "a,c"));
    const letters = await driver.deadLetters(failing);
    expect(letters.map(({ offset, step, reason }) => [offset.replace(/^\d+/, "n"), step, reason])).toEqual(
      [0, 1, 2, 3].map(() => ["n/1:1", "process (onBroadcast)", "thirteen"]),
    );
    broken = false;
    const outcomes = await driver.redrive(failing);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([0, 1, 2, 3].map(() => "redriven"));
    await driver.send(payments, ...[0, 1, 2, 3].map((n) => pay(`card-${n}`, 1)));
    expect((await driver.read(out)).slice(-4).sort()).toEqual(expected(33, "a,b,c"));
  });

  test("in onElement leaves nothing behind", async () => {
    broken = true;
    await using driver = await start(failing);
    await driver.send(rules, rule("a", 1));
    await driver.send(payments, pay("card-0", 1), pay("card-0", 13), pay("card-0", 1));
    expect(await driver.read(out)).toEqual(["card-0 1 a", "card-0 2 a"]);
    expect((await driver.deadLetters(failing)).map(({ offset }) => offset.replace(/^\d+/, "n"))).toEqual(["n/0:1"]);
  });

  test.each([
    ["changing broadcast state in onElement", "change", /the state "names" is changed outside of onBroadcast/],
    ["forEachKey of an unknown state", "unknown", /forEachKey is given "no", which is no state/],
    ["a handle that was kept", "kept", /the state "names" is used outside of the call/],
    ["a promise", "promise", /\(onBroadcast\) returned a promise/],
  ])("%s is a dead letter with a sentence", async (_, what, sentence) => {
    // biome-ignore lint/suspicious/noExplicitAny: what no compiler would let pass.
    let kept: any;
    const spec = {
      state: { n: counterState() },
      broadcastState: { names: mapState<number>() },
      // biome-ignore lint/suspicious/noExplicitAny: as above.
      onElement(_: unknown, { broadcastState }: any) {
        if (what === "change") broadcastState.names.set("a", 1);
        kept = broadcastState.names;
        return what === "kept" ? ["an output"] : undefined;
      },
      // biome-ignore lint/suspicious/noExplicitAny: as above.
      onBroadcast(_: unknown, { forEachKey }: any): any {
        if (what === "unknown") forEachKey("no", () => {});
        if (what === "promise") return Promise.resolve([]);
        return undefined;
      },
    };
    const wrong = operator(
      "wrong",
      byCard
        .connect(stream(rules).broadcast())
        .process(spec)
        .map((value) => {
          kept.get("a");
          return String(value);
        })
        .to(out.from((line) => line)),
    );
    await using driver = await start(wrong, { partitions: 1 });
    await driver.send(payments, pay("card-0", 1));
    await driver.send(rules, rule("a", 1));
    expect((await driver.deadLetters(wrong)).map(({ reason }) => reason)).toEqual([expect.stringMatching(sentence)]);
  });
});
