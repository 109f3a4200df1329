/** Versions of one operator over one log and one broker: the second meets what the first left, in state or under way in the shuffle. */

import {
  boundedOutOfOrderness,
  json,
  type KeyedStream,
  minutes,
  type Operator,
  operator,
  type Sink,
  seconds,
  stream,
  topic,
  tumbling,
} from "millrace";
import { toDeadLetter } from "../../lib/runtime/dead-letter.ts";
import { World } from "./environments.ts";

type Item = { readonly id: string; readonly n: number };
type Keyed = KeyedStream<Item, string>;

const watermark = boundedOutOfOrderness(minutes(10));
const declare = (name: string) => topic(name, { value: json<Item>(), watermark, partitions: 1 });
export const topics = { lefts: declare("lefts"), rights: declare("rights"), others: declare("others") };
export const out = topic("out", { value: json<unknown>(), partitions: 1 });

export const from = (name: keyof typeof topics) => stream(topics[name]);
export const keyed = (name: keyof typeof topics = "lefts"): Keyed => from(name).keyBy(({ id }) => id);
export const version = (...sinks: Sink[]) => operator("evolving", ...(sinks as [Sink]));
export const one = (build: (items: Keyed) => { to(target: typeof out): Sink }) => version(build(keyed()).to(out));

export const SHUFFLE = "evolving--by-key";

/** What came out, without repeats, and what did not. */
export async function resultsOf(world: World): Promise<{ results: unknown[]; letters: string[] }> {
  const letters = (await world.read("evolving--dead-letters")).map((record) => toDeadLetter(record));
  const results = new Map((await world.read("out")).map(({ value, headers }) => [String(headers[0]?.[1]), value]));
  return {
    results: [...results.values()].map((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown),
    letters: letters.map(({ kind, reason }) => `${kind}: ${reason}`),
  };
}

export const nextOf = (world: World, operators: Operator[]) =>
  Object.assign(new World(operators), { broker: world.broker, log: world.log, nowMs: world.nowMs + 1_000 });

export const write = (world: World, name: string, n: number) =>
  world.write(name, { value: JSON.stringify({ id: "a", n }), timestampMs: 100_000 + n });

/** Ends all inputs that there are. */
export async function finish(world: World): Promise<void> {
  const environment = world.environment();
  for (const name of Object.keys(topics))
    if (world.topology.topics.some((one) => one.name === name)) await environment.tick(name, "end");
  const { records } = await world.broker.fetch(SHUFFLE, 0, 0, { bytesMax: 1e9, recordsMax: 1_000 });
  await environment.deliver(SHUFFLE, 0, records.count);
}

/**
 * Element 1 of each topic meets the first version: "kept" as far as state, "sent" only as far as the shuffle. Then element 2 of each meets the second, which also
 * gets what was under way, and the end of the input.
 */
export async function change(before: Operator, after: Operator, stage: "kept" | "sent") {
  const first = await new World([before]).createTopics();
  // Topics that only the code of today reads are there too.
  await first.broker.ensureTopics(
    Object.keys(topics).map((name) => ({ name, partitions: 1, compacted: false, retentionMs: undefined })),
  );
  const reads = (world: World) =>
    Object.keys(topics).filter((name) =>
      world.topology.functions.some(({ sources }) => sources.some((source) => source.topic.topicName === name)),
    );
  for (const name of reads(first)) {
    await write(first, name, 1);
    await first.environment().deliver(name, 0);
  }
  if (stage === "kept") await first.environment().deliver(SHUFFLE, 0);
  const second = nextOf(first, [after]);
  for (const name of reads(second)) {
    const there = (await second.read(name)).length;
    await write(second, name, 2);
    await second.environment().deliver(name, there);
  }
  await finish(second);
  return resultsOf(second);
}

export const sum = (name?: string) =>
  one((items) =>
    items
      .window(tumbling(seconds(5)), name === undefined ? {} : { name })
      .sum(({ n }) => n)
      .map(({ value }) => value),
  );
export const value = ({ value }: { value: unknown }) => value;
