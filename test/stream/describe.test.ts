/** A topology as text, JSON and Mermaid. */

import { describe, expect, test } from "vitest";
import { toDescription, toMermaid, toText } from "../../lib/stream/describe.ts";
import { milliseconds, minutes } from "../../lib/stream/duration.ts";
import { json, text } from "../../lib/stream/format.ts";
import { stream } from "../../lib/stream/stream.ts";
import { topic } from "../../lib/stream/topic.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { tumbling } from "../../lib/stream/tumbling.ts";
import { monotonic } from "../../lib/stream/watermark-strategy.ts";
import { define } from "./streams.ts";

const lines = topic("lines", { value: text(), watermark: monotonic() });
const raw = topic("raw", { value: text(), external: true });
const counts = topic("counts", { key: text(), value: json<unknown>(), compacted: true, partitions: 1 });

const clean = define(
  "clean-lines",
  stream(raw)
    .map((l) => l.trim())
    .filter((l) => l !== "", { name: "not-empty" })
    .to(lines),
);
const { long, rest } = stream(lines).split({ long: (l) => l.length > 80 });
const byLine = rest.keyBy((l) => l, { name: "by-line" });
const count = define(
  "count",
  byLine
    .window(tumbling(minutes(5)))
    .count()
    .to(counts.from((r) => r.value)),
  byLine.sum((l) => l.length).to(counts.from((r) => r.value)),
  byLine
    .window(tumbling(milliseconds(1500), { time: "processing" }), { name: "fast" })
    .max((l) => l.length)
    .to(counts.from((r) => r.value)),
  byLine.count({ name: "total" }).to(counts.from((r) => r.value)),
  long.keyBy((l) => l.length).to(counts.record({ value: (l) => l, key: (l) => l })),
);
const topology = buildTopology("shop", [clean, count]);

test("as text: operators with their functions, then topics, then warnings", () => {
  expect(toText(topology)).toBe(`shop

operator clean-lines  functions/clean-lines.ts:5
└─ clean-lines  (keeps no log)
     reads   raw (4)
     runs    map → filter not-empty
     writes  lines (4)

operator count  functions/count.ts:5
├─ count
│    reads   lines (4)
│    runs    split (long, rest) → keyBy by-line → keyBy
│    writes  count--by-line (4), counts (1)
└─ count--by-line
     reads   count--by-line (4)
     runs    window (5 min tumbling, count) → sum (rolling) → window fast (1500 ms tumbling, processing time, max) → total (rolling count)
     writes  counts (1)

topics
  raw                        declared, 4 partitions, external
  lines                      declared, 4 partitions
  counts                     declared, 1 partition, compacted
  count--by-line             shuffle, 4 partitions
  clean-lines--dead-letters  dead-letter, 1 partition
  count--dead-letters        dead-letter, 1 partition

warnings
  Operator "clean-lines" (functions/clean-lines.ts:5) reads the external topic "raw", whose declaration does not say how many partitions it has: 4 are assumed.`);
});

describe("as JSON", () => {
  const description = toDescription(topology);

  test("it is what JSON can hold", () => {
    expect(JSON.parse(JSON.stringify(description))).toEqual(description);
  });

  test("it has operators with functions, and topics", () => {
    expect(description).toMatchObject({
      application: "shop",
      operators: [
        {
          name: "clean-lines",
          file: "functions/clean-lines.ts",
          line: 5,
          onError: "dead-letter",
          functions: [
            {
              name: "clean-lines",
              reads: [{ topic: "raw", partitions: 4 }],
              steps: ["map", "filter not-empty"],
              writes: [{ topic: "lines", partitions: 4 }],
              deadLetterTopic: "clean-lines--dead-letters",
              commits: false,
            },
          ],
        },
        { name: "count", functions: [{ name: "count" }, { name: "count--by-line", commits: true }] },
      ],
    });
    expect(description.topics[0]).toEqual({
      name: "raw",
      kind: "declared",
      partitions: 4,
      compacted: false,
      external: true,
      retentionMs: null,
    });
    expect(description.warnings).toHaveLength(1);
  });
});

test("as Mermaid: topics and functions with their arrows, without dead letters", () => {
  expect(toMermaid(topology)).toBe(`flowchart LR
  t_raw[("raw<br/>4 partitions")]
  t_lines[("lines<br/>4 partitions")]
  t_counts[("counts<br/>1 partition")]
  t_count_45__45_by_45_line{{"count--by-line<br/>4 partitions"}}
  subgraph o_clean_45_lines["clean-lines"]
    f_clean_45_lines["clean-lines"]
  end
  t_raw --> f_clean_45_lines
  f_clean_45_lines --> t_lines
  subgraph o_count["count"]
    f_count["count"]
    f_count_45__45_by_45_line["count--by-line"]
  end
  t_lines --> f_count
  f_count --> t_count_45__45_by_45_line
  f_count --> t_counts
  t_count_45__45_by_45_line --> f_count_45__45_by_45_line
  f_count_45__45_by_45_line --> t_counts`);
});

test("an application without operators is described too", () => {
  expect(toText(buildTopology("empty", []))).toBe("empty\n\ntopics");
});
