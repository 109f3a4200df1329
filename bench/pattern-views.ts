/** A pattern of three stages behind a shuffle beside a tumbling window over the same elements, each of which crosses. */

import { boundedOutOfOrderness, json, operator, seconds, stream, topic, tumbling } from "millrace";
import { behindShuffle } from "./behind-shuffle.ts";
import type { PageView } from "./events.ts";
import { measure, type Timing } from "./measure.ts";
import type { ProgressOf, Row, Section } from "./section.ts";

const ROUNDS = 7;

const watermark = boundedOutOfOrderness(seconds(1));
const counts = topic("counts", { value: json<{ user: string; count: number }>(), partitions: 1 });
const found = topic("found", { value: json<{ first: number; last: number }>(), partitions: 1 });

/** What is kept is written, so authors keep what they need. */
const byUser = stream(topic("plain-views", { value: json<PageView>(), watermark, partitions: 1 }))
  .map(({ id, user }) => ({ id, user, kind: id % 3 }))
  .keyBy(({ user }) => user);

const tumbled = operator(
  "tumbled",
  byUser
    .window(tumbling(seconds(5)))
    .aggregate((on) => on.custom({ create: () => 0, add: (count) => count + 1, result: (count) => count }))
    .to(counts.from(({ key, value }) => ({ user: key, count: value }))),
);

const matched = operator(
  "matched",
  byUser
    .pattern((p) =>
      p
        .begin("a", ({ kind }) => kind === 0)
        .followedBy("b", ({ kind }) => kind === 1)
        .followedBy("c", ({ id, kind }, { a }) => kind === 2 && id > a.id)
        .within(seconds(5))
        .afterMatch("past-last"),
    )
    .select(({ a, c }) => ({ first: a.id, last: c.id }))
    .to(found),
);

/** The function behind the shuffle, for 10,000 keys in batches of 1,000. */
export async function matchViews(progressOf: ProgressOf): Promise<Section> {
  const title = "patterns behind a shuffle, 10,000 keys, batches of 1,000";
  const timings = await measure(
    [
      await behindShuffle("tumbling window of 5 s", tumbled),
      await behindShuffle("a followed by b followed by c within 5 s", matched),
    ],
    ROUNDS,
    progressOf(title),
  );
  const [window] = timings as [Timing, Timing];
  const rows = timings.map(
    ({ name, cpuUs, spread }, i): Row => ({
      what: name,
      figure: `${cpuUs.toFixed(2)} µs CPU an element ± ${(spread * 100).toFixed(0)} %`,
      value: cpuUs,
      unit: "µs CPU per element",
      ...(i > 0 && { ratio: window.cpuUs / cpuUs }),
    }),
  );
  return { title, rows };
}
