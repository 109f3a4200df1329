/**
 * mapAsync before a shuffle, behind it, and behind a window, with the environment dying at each call in turn: results stay what they are without, and every call that
 * was committed was made.
 */

import { boundedOutOfOrderness, json, milliseconds, operator, stream, topic, tumbling } from "millrace";
import { expect, test } from "vitest";
import type { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import type { CallFault } from "../../lib/simulation/faults.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { runWithEachCallFailing } from "./faulty-run.ts";

type Visit = { readonly page: string; readonly at: number };

const VISITS = 30;
const watermark = boundedOutOfOrderness(milliseconds(20), { idleAfter: milliseconds(1_000_000) });
const visits = topic("visits", { value: json<Visit>(), watermark, timestampOf: (visit) => visit.at, partitions: 2 });
const results = topic("results", { value: json<string>(), partitions: 1 });

const timeout = milliseconds(10_000);
/** What the outside says differs with each time that it is asked; results do not show it. */
let asked = 0;
const siteOf = async (visit: Visit) => ({ ...visit, site: visit.page.slice(0, 1), nonce: ++asked });
const titleOf = async (pages: readonly { page: string }[]) =>
  pages.map(({ page }) => (page === "b1" ? new Error("no title") : { title: page.toUpperCase() }));

const looking = operator(
  "looking",
  stream(visits)
    .mapAsync({ call: siteOf, timeout, order: "unordered" }, { name: "site" })
    .keyBy(({ site }) => site)
    .mapAsync({
      callBatch: async (values) => {
        const titles = await titleOf(values);
        return values.map((value, i) => {
          const title = titles[i];
          return title === undefined || title instanceof Error ? new Error("no title") : { ...value, ...title };
        });
      },
      maxBatchSize: 3,
      timeout,
    })
    .window(tumbling(milliseconds(50)))
    .collect()
    .mapAsync({ call: async ({ key, value, window }) => ({ key, value, startMs: window.startMs }), timeout })
    .to(
      results.from(({ key, value, startMs }) =>
        [startMs, key, ...value.map(({ title, at }) => `${title}@${at}`).sort()].join(" "),
      ),
    ),
);

const visitsOf = (partition: number): Visit[] =>
  Array.from({ length: VISITS }, (_, i) => ({ page: `${"abc"[(i + partition) % 3]}${i % 4}`, at: 1_000 + i * 11 }));

async function write(broker: MemoryBroker): Promise<void> {
  for (const partition of [0, 1]) {
    const records = visitsOf(partition).map((visit) => ({
      key: null,
      value: new TextEncoder().encode(JSON.stringify(visit)),
      timestampMs: visit.at,
      headers: [],
    }));
    await broker.produce([{ topic: "visits", partition, records }]);
  }
}

/** Every window from the input itself. */
function directly(): { results: string[]; letters: number } {
  const all = [...visitsOf(0), ...visitsOf(1)];
  const good = all.filter(({ page }) => page !== "b1");
  const windows = Map.groupBy(good, ({ page, at }) => `${at - (at % 50)} ${page.slice(0, 1)}`);
  const texts = [...windows].map(([name, own]) =>
    [name, ...own.map(({ page, at }) => `${page.toUpperCase()}@${at}`).sort()].join(" "),
  );
  return { results: texts.sort(), letters: all.length - good.length };
}

async function read(broker: MemoryBroker): Promise<ReturnType<typeof directly>> {
  const once = async (from: Parameters<typeof readTopic>[1]) => {
    const records = await readTopic(broker, from);
    return [...new Map(records.map((record) => [JSON.stringify(record.identity), record])).values()];
  };
  return {
    results: (await once(results)).map(({ value }) => value as string).sort(),
    letters: (await once({ topicName: "looking--dead-letters" })).length,
  };
}

test.each<[CallFault, boolean]>([
  ["crash-before", false],
  ["crash-after", false],
  ["lost-reply", false],
  ["crash-after", true],
])(
  "L8, O3: %s at each call in turn (every batch in a new environment: %s)",
  { timeout: 120_000 },
  async (fault, always) => {
    const job = {
      operators: [looking],
      topology: buildTopology("test", [looking.definition]),
      write,
      check: async (broker: MemoryBroker) => expect(await read(broker)).toEqual(directly()),
    };
    expect(await runWithEachCallFailing(job, fault, always)).toBeGreaterThan(20);
  },
);
