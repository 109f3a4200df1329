/** Joins behind a shuffle beside a tumbling window over the same elements, none of which can be merged before: each crosses, and a join keeps each. */

import {
  boundedOutOfOrderness,
  json,
  milliseconds,
  operator,
  seconds,
  stream,
  table,
  text,
  topic,
  tumbling,
} from "millrace";
import type { Operator } from "../lib/runtime/operator-handler.ts";
import { behindShuffle } from "./behind-shuffle.ts";
import type { PageView } from "./events.ts";
import { measure, type Timing } from "./measure.ts";
import type { ProgressOf, Row, Section } from "./section.ts";

const ROUNDS = 7;

const watermark = boundedOutOfOrderness(seconds(1));
const views = stream(topic("plain-views", { value: json<PageView>(), watermark, partitions: 1 }));
const pairs = topic("pairs", { value: json<{ a: number; b: number }>(), partitions: 1 });
const counts = topic("counts", { value: json<{ user: string; count: number }>(), partitions: 1 });

type Small = Pick<PageView, "id" | "user">;

/** What a join needs of a view: what is kept is written, so authors keep what they need. */
const small = views.map(({ id, user }): Small => ({ id, user }));

const toPair = (a: Small, b: Small) => ({ a: a.id, b: b.id });

function countEach(name: string, elements: typeof small | typeof views): Operator {
  return operator(
    name,
    (elements as typeof small)
      .keyBy(({ user }) => user)
      .window(tumbling(seconds(5)))
      .aggregate((on) => on.custom({ create: () => 0, add: (count) => count + 1, result: (count) => count }))
      .to(counts.from(({ key, value }) => ({ user: key, count: value }))),
  );
}

/** Half of the elements are on each side; a user has two a second, so that a fifth of them meet another. */
function sidesOf(elements: typeof small | typeof views) {
  const { even, rest } = (elements as typeof small).split({ even: ({ id }) => id % 2 === 0 });
  return [even.keyBy(({ user }) => user), rest.keyBy(({ user }) => user)] as const;
}

function joinByInterval(name: string, elements: typeof small | typeof views): Operator {
  const [left, right] = sidesOf(elements);
  return operator(name, left.intervalJoin(right).between(milliseconds(-100), milliseconds(100)).map(toPair).to(pairs));
}

function joinByWindow(name: string, elements: typeof small): Operator {
  const [left, right] = sidesOf(elements);
  return operator(
    name,
    left
      .join(right)
      .window(tumbling(milliseconds(100)))
      .map(toPair)
      .to(pairs),
  );
}

/** Each view is an element and a version too: what a key had at that time is what came last of it. */
function joinWithTable(name: string): Operator {
  const all = topic("keyed-views", {
    key: text(),
    value: json<PageView>(),
    watermark,
    partitions: 1,
    compacted: true,
  });
  const left = stream(all)
    .map((view): Small => ({ id: view?.id ?? -1, user: view?.user ?? "" }))
    .keyBy(({ user }) => user);
  return operator(name, left.join(table(all)).map(toPair).to(pairs));
}

/** The function behind the shuffle, for 10,000 keys in batches of 1,000. */
export async function joinViews(progressOf: ProgressOf): Promise<Section> {
  const title = "joins behind a shuffle, 10,000 keys, batches of 1,000";
  const timings = await measure(
    [
      await behindShuffle("tumbling window of 5 s", countEach("tumbled", small)),
      await behindShuffle("interval join, 100 ms to either side", joinByInterval("interval", small)),
      await behindShuffle("window join, 100 ms", joinByWindow("windowed", small)),
      await behindShuffle(
        "table join: each view an element and a version, kept whole",
        joinWithTable("versioned"),
        true,
      ),
      await behindShuffle("tumbling window of 5 s over elements of 150 bytes", countEach("tumbled-whole", views)),
      await behindShuffle("interval join of these, all kept whole", joinByInterval("interval-whole", views)),
    ],
    ROUNDS,
    progressOf(title),
  );
  const [tumbled, , , , tumbledWhole] = timings as [Timing, Timing, Timing, Timing, Timing, Timing];
  const rows = timings.map(({ name, cpuUs, spread }, i): Row => {
    const beside = i < 4 ? tumbled : tumbledWhole;
    return {
      what: name,
      figure: `${cpuUs.toFixed(2)} µs CPU an element ± ${(spread * 100).toFixed(0)} %`,
      value: cpuUs,
      unit: "µs CPU per element",
      ...(name !== beside.name && { ratio: beside.cpuUs / cpuUs }),
      ...(i === 1 && { target: "≥ 0.4" }),
    };
  });
  return { title, rows };
}
