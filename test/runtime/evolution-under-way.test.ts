/**
 * What an operator's changed code does with what the code before it sent and nobody has read yet, rule by rule: it is taken on, or set aside as dead letters; never
 * misread.
 */

import { type Operator, seconds, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { writeEvent } from "../../lib/local/event-json.ts";
import type { RedriveResponse } from "../../lib/wire/lambda-event.ts";
import { World } from "./environments.ts";
import {
  change,
  finish,
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

describe("what is under way", () => {
  const pairs = (left: "lefts" | "rights") =>
    version(
      keyed(left)
        .intervalJoin(keyed(left === "lefts" ? "rights" : "lefts"))
        .between(seconds(-5), seconds(5))
        .map((a, b) => `${left === "lefts" ? "left" : "right"} ${a.n}, ${b.n}`)
        .to(out),
    );
  const partial = (was: string, now: string) =>
    `partial: This is a partial result of ${was}, made before the shuffle, and evolving--by-key has ${now} now: the code was changed while it was under way. The code of before can redrive it.`;
  const FIVE = "tumbling of 5000 ms in event time, sum";

  test.each<[string, Operator, Operator, unknown[], string[]]>([
    ["nothing changed", sum(), sum(), [3], []],
    ["a renamed step takes it", sum(), sum("renamed"), [3], []],
    [
      "windows of another size set partial results aside",
      sum(),
      one((items) =>
        items
          .window(tumbling(seconds(7)))
          .sum(({ n }) => n)
          .map(value),
      ),
      [2],
      [partial(FIVE, "tumbling of 7000 ms in event time, sum")],
    ],
    [
      "another aggregate sets them aside",
      sum(),
      one((items) =>
        items
          .window(tumbling(seconds(5)))
          .max(({ n }) => n)
          .map(value),
      ),
      [2],
      [partial(FIVE, "tumbling of 5000 ms in event time, max")],
    ],
    [
      "a quantile of another error sets them aside",
      one((items) =>
        items
          .window(tumbling(seconds(5)))
          .aggregate((on) => on.quantile(1, ({ n }) => n))
          .map(value),
      ),
      one((items) =>
        items
          .window(tumbling(seconds(5)))
          .aggregate((on) => on.quantile(1, ({ n }) => n, { error: 0.1 }))
          .map(value),
      ),
      [2],
      [
        partial(
          "tumbling of 5000 ms in event time, quantile within 0.01",
          "tumbling of 5000 ms in event time, quantile within 0.1",
        ),
      ],
    ],
    [
      "a step that keeps all elements sets them aside",
      sum(),
      one((items) => items.window(tumbling(seconds(5))).process((all) => [all.map(({ n }) => n)])),
      [[2]],
      [partial(FIVE, "no such window")],
    ],
    [
      "elements are taken by windows that are aggregated before the shuffle now",
      one((items) => items.window(tumbling(seconds(5))).process((all) => [all.map(({ n }) => n)])),
      sum(),
      [3],
      [],
    ],
    [
      "a join whose sides were swapped knows them by where they come from",
      pairs("lefts"),
      pairs("rights"),
      ["right 1, 1", "right 2, 1", "right 1, 2", "right 2, 2"],
      [],
    ],
    [
      "a stream that was united with another goes on",
      one((items) => items.sum(({ n }) => n).map(value)),
      version(
        from("lefts")
          .union(from("rights"))
          .keyBy(({ id }) => id)
          .sum(({ n }) => n)
          .map(value)
          .to(out),
      ),
      [1, 3, 5],
      [],
    ],
  ])("%s", async (_, before, after, results, letters) => {
    const found = await change(before, after, "sent");
    expect({ results: [...found.results].sort(), letters: found.letters }).toEqual({
      results: [...results].sort(),
      letters,
    });
  });

  test("streams that were united and are sides of a join now set their elements aside: nobody can say whose they are", async () => {
    const united = version(
      from("lefts")
        .union(from("rights"))
        .keyBy(({ id }) => id)
        .sum(({ n }) => n)
        .map(value)
        .to(out),
    );
    const { results, letters } = await change(united, pairs("lefts"), "sent");
    expect(results).toEqual(["left 2, 2"]);
    const sentence =
      "element: This came from lefts + rights through the shuffle before evolving--by-key, which now takes lefts, rights: the code was changed while it was under way.";
    expect(letters).toEqual([sentence, sentence]);
  });

  test("a source that is not read any more is refused while its elements are under way", async () => {
    const alone = one((items) => items.sum(({ n }) => n).map(value));
    await expect(change(pairs("lefts"), alone, "sent")).rejects.toThrow(
      "holds a bundle of evolving/rights-0, which this application does not have",
    );
  });

  test("partial results that were set aside can be redriven by the code of before, and by no other", async () => {
    const before = await new World([sum()]).createTopics();
    await write(before, "lefts", 1);
    await before.environment().deliver("lefts", 0);
    const changed = nextOf(before, [
      one((items) =>
        items
          .window(tumbling(seconds(7)))
          .max(({ n }) => n)
          .map(value),
      ),
    ]);
    await changed.environment().deliver(SHUFFLE, 0);
    expect((await resultsOf(changed)).letters).toHaveLength(1);

    const redrive = async (world: World) => {
      const { records } = await world.broker.fetch("evolving--dead-letters", 0, 0, { bytesMax: 1e9, recordsMax: 9 });
      const origin = { eventSource: "aws:kafka", bootstrapServers: "", topic: "evolving--dead-letters" } as const;
      const event = writeEvent(origin, [{ partition: 0, columns: records, from: 0, to: 1, nextOffset: 1 }]);
      const redrive = { ...JSON.parse(event), eventSource: "millrace:redrive", functionName: SHUFFLE };
      return ((await world.environment().invoke(SHUFFLE, redrive)) as RedriveResponse).outcomes;
    };
    expect(await redrive(changed)).toMatchObject([
      { outcome: "impossible", reason: expect.stringContaining("This is a partial result of tumbling of 5000 ms") },
    ]);
    const back = nextOf(changed, [sum()]);
    expect(await redrive(back)).toMatchObject([{ outcome: "redriven" }]);
    await finish(back);
    expect((await resultsOf(back)).results).toEqual([1]);
  });
});
