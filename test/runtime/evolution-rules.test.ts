/**
 * What an operator's changed code does with the state that the code before it kept, rule by rule: it is taken on, begun anew beside it, or refused with a sentence;
 * never misread.
 */

import { counterState, countTrigger, listState, type Operator, seconds, session, tumbling, valueState } from "millrace";
import { describe, expect, test } from "vitest";
import { World } from "./environments.ts";
import {
  change,
  from,
  keyed,
  nextOf,
  one,
  out,
  resultsOf,
  SHUFFLE,
  sum,
  value,
  version,
  write,
} from "./evolution-world.ts";

describe("what is kept in state", () => {
  test.each<[string, Operator, Operator, unknown[]]>([
    ["nothing changed", sum(), sum(), [3]],
    [
      "a step without state was put before it",
      sum(),
      one((items) =>
        items
          .filter(({ n }) => n > 0)
          .window(tumbling(seconds(5)))
          .sum(({ n }) => n)
          .map(value),
      ),
      [3],
    ],
    [
      "a step with state was added beside it, which begins with what comes",
      sum(),
      version(
        keyed()
          .window(tumbling(seconds(5)))
          .sum(({ n }) => n)
          .map(value)
          .to(out),
      ),
      [3],
    ],
    [
      "another step with state reads the same keys, and begins with what comes",
      sum(),
      (() => {
        const items = keyed();
        return version(
          items
            .window(tumbling(seconds(5)))
            .sum(({ n }) => n)
            .map(value)
            .to(out),
          items
            .count({ name: "added" })
            .map(({ value: n }) => `count ${n}`)
            .to(out),
        );
      })(),
      ["count 1", 3],
    ],
    ["a renamed step begins with what comes", sum(), sum("renamed"), [2]],
    [
      "what an aggregate is asked for",
      one((items) =>
        items
          .window(tumbling(seconds(5)))
          .aggregate((on) => on.quantile(0.5, ({ n }) => n))
          .map(value),
      ),
      one((items) =>
        items
          .window(tumbling(seconds(5)))
          .aggregate((on) => on.quantile([0, 1], ({ n }) => n))
          .map(value),
      ),
      [[1, 2]],
    ],
    [
      "the gap of sessions",
      one((items) =>
        items
          .window(session(seconds(5)))
          .count()
          .map(value),
      ),
      one((items) =>
        items
          .window(session(seconds(9)))
          .count()
          .map(value),
      ),
      [2],
    ],
    [
      "a state was added to a process function",
      one((items) => items.process({ state: { n: counterState() }, onElement: (_, { state }) => [state.n.add()] })),
      one((items) =>
        items.process({
          state: { n: counterState(), all: listState<number>() },
          onElement: ({ n }, { state }) => {
            state.all.add(n);
            return [[state.n.add(), state.all.get()]];
          },
        }),
      ),
      [1, [2, [2]]],
    ],
    [
      "a state was added to a window's function",
      one((items) => items.window(tumbling(seconds(5))).process((all) => [all.length])),
      one((items) =>
        items.window(tumbling(seconds(5))).process((all, { windowState }) => [`${all.length} ${windowState.n.add()}`], {
          windowState: { n: counterState() },
        }),
      ),
      ["2 1"],
    ],
  ])("is taken on: %s", async (_, before, after, results) =>
    expect(await change(before, after, "kept")).toEqual({ results, letters: [] }),
  );

  test.each<[string, Operator, Operator, string]>([
    [
      "the size of windows",
      sum(),
      one((items) => items.window(tumbling(seconds(6))).sum(({ n }) => n)),
      "keeps state of by-key/window as tumbling of 5000 ms in event time, sum, and its code has tumbling of 6000 ms in event time, sum now.",
    ],
    [
      "the aggregate",
      sum(),
      one((items) => items.window(tumbling(seconds(5))).max(({ n }) => n)),
      "as tumbling of 5000 ms in event time, sum, and its code has tumbling of 5000 ms in event time, max now.",
    ],
    [
      "the error of a quantile",
      one((items) => items.window(tumbling(seconds(5))).aggregate((on) => on.quantile(0.5, ({ n }) => n))),
      one((items) =>
        items.window(tumbling(seconds(5))).aggregate((on) => on.quantile(0.5, ({ n }) => n, { error: 0.02 })),
      ),
      "quantile within 0.01, and its code has tumbling of 5000 ms in event time, quantile within 0.02 now.",
    ],
    [
      "a rolling aggregate",
      one((items) => items.sum(({ n }) => n, { name: "total" })),
      one((items) => items.max(({ n }) => n, { name: "total" })),
      "keeps state of by-key/total as rolling sum, and its code has rolling max now.",
    ],
    [
      "a process function that became a rolling aggregate",
      one((items) =>
        items.process(
          { state: { n: counterState() }, onElement: (_, { state }) => [state.n.add()] },
          { name: "total" },
        ),
      ),
      one((items) => items.sum(({ n }) => n, { name: "total" })),
      "keeps state of by-key/total as states of a process function, and its code has rolling sum now.",
    ],
    [
      "a rolling aggregate that became a process function",
      one((items) => items.sum(({ n }) => n, { name: "total" })),
      one((items) =>
        items.process(
          { state: { n: counterState() }, onElement: (_, { state }) => [state.n.add()] },
          { name: "total" },
        ),
      ),
      "A process function has the name of a step that was of another kind in an earlier version of the code",
    ],
    [
      "windows that became a rolling aggregate",
      sum("total"),
      one((items) => items.sum(({ n }) => n, { name: "total" })),
      "as tumbling of 5000 ms in event time, sum, and its code has rolling sum now.",
    ],
    [
      "a process function that became windows",
      one((items) =>
        items.process(
          { state: { n: counterState() }, onElement: (_, { state }) => [state.n.add()] },
          { name: "total" },
        ),
      ),
      sum("total"),
      "as states of a process function, and its code has tumbling of 5000 ms in event time, sum now.",
    ],
    [
      "the kind of a window's state",
      one((items) =>
        items
          .window(tumbling(seconds(5)))
          .trigger(countTrigger(1))
          .process((_, { globalState }) => [globalState.n.add()], { globalState: { n: counterState() } }),
      ),
      one((items) =>
        items
          .window(tumbling(seconds(5)))
          .trigger(countTrigger(1))
          .process(() => ["x"], { globalState: { n: valueState<number>() } }),
      ),
      'The state "n" was kept as counterState by an earlier version of the code and is a valueState now: give it another name, or reset the function.',
    ],
  ])("is refused: %s", async (_, before, after, sentence) => {
    await expect(change(before, after, "kept")).rejects.toThrow(sentence);
  });

  test("a topic that is not read any more does not hold the windows back", async () => {
    const both = version(
      from("lefts")
        .union(from("rights"))
        .keyBy(({ id }) => id)
        .window(tumbling(seconds(5)))
        .count()
        .map(value)
        .to(out),
    );
    const left = one((items) =>
      items
        .window(tumbling(seconds(5)))
        .count()
        .map(value),
    );
    const first = await new World([both]).createTopics();
    for (const name of ["lefts", "rights"]) {
      await write(first, name, 1);
      await first.environment().deliver(name, 0);
    }
    await first.environment().deliver(SHUFFLE, 0);
    const second = nextOf(first, [left]);
    await write(second, "lefts", 700_000);
    await second.environment().deliver("lefts", 1);
    await second.environment().deliver(SHUFFLE, 2);
    expect((await resultsOf(second)).results).toEqual([2]);
  });

  test("stays where it is while its step is gone, and is there when it comes back", async () => {
    const both = (() => {
      const items = keyed();
      return version(
        items
          .count({ name: "n" })
          .map(({ value: n }) => `n ${n}`)
          .to(out),
        items
          .sum(({ n }) => n, { name: "sum" })
          .map(({ value: s }) => `sum ${s}`)
          .to(out),
      );
    })();
    const alone = one((items) => items.count({ name: "n" }).map(({ value: n }) => `n ${n}`));
    let world = await new World([both]).createTopics();
    for (const [i, operators] of [[both], [alone], [both]].entries()) {
      world = nextOf(world, operators as Operator[]);
      await write(world, "lefts", i + 1);
      await world.environment().deliver("lefts", i);
      await world.environment().deliver(SHUFFLE, i);
    }
    expect((await resultsOf(world)).results).toEqual(["n 1", "sum 1", "n 2", "n 3", "sum 4"]);
    const other = one((items) => items.max(({ n }) => n, { name: "sum" }));
    await write(world, "lefts", 9);
    const changed = nextOf(world, [other]);
    await changed.environment().deliver("lefts", 3);
    await expect(changed.environment().deliver(SHUFFLE, 3)).rejects.toThrow(
      "as rolling sum, and its code has rolling max",
    );
  });
});
