/** Records to measure with: of files, of functions that make them, of topics, or generated; and where each comes from. */

import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { importFile } from "../../local/import-file.ts";
import { isPlaced } from "../../local/placed.ts";
import { MillraceError } from "../../stream/error.ts";
import type { Topology } from "../../stream/plan.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import type { AnyTopic } from "../../stream/topic.ts";
import { type OutgoingRecord, recordBytes } from "../../wire/outgoing-record.ts";
import { makeRecord } from "../make-record.ts";
import { LineSplitter } from "../split-lines.ts";
import { generateText } from "./generate-text.ts";

/** Records of the topics that an application reads from outside, in the proportions in which they are there. */
export type Sample = {
  next(nowMs: number): { readonly topic: string; readonly record: OutgoingRecord } | undefined;
  /** Whether there are no more: what has times of its own is given once. */
  hasEnded(): boolean;
  /** What a record has on average. */
  recordBytes(count: number): number;
};

/** What can be sampled again and again. */
export type SampleSource = { readonly description: string; open(): Sample };

/** The records of one topic: so many of them, or without an end. */
type TopicSample = {
  readonly topic: AnyTopic;
  readonly share: number;
  readonly description: string;
  /** The n-th record; undefined behind the last. */
  at(n: number, nowMs: number): OutgoingRecord | undefined;
};

/** Of a recorded topic: its records as they lie there, the newest last. */
export type Recorded = ReadonlyMap<string, readonly OutgoingRecord[]>;

const LINE_BYTES_MAX = 1024 * 1024;

/**
 * A sample of what `topology` reads from outside. `files`: `file`, or `topic=file`; `recorded`: what the topics hold. Throws MillraceError "usage" for a file that cannot be
 * read or belongs to no topic, and where nothing is known of a topic's elements.
 */
export async function openSample(
  topology: Topology,
  files: readonly string[],
  recorded: Recorded,
  folder: string,
): Promise<SampleSource> {
  const topics = outsideTopics(topology);
  const named = new Map<string, TopicSample>();
  for (const text of files)
    for (const sample of await fromFile(text, topics, folder, topology)) named.set(sample.topic.topicName, sample);
  const samples = topics.map(
    (topic) => named.get(topic.topicName) ?? fromRecorded(topic, recorded, topology) ?? generated(topic),
  );
  return {
    description: listOf(samples.map(({ topic, description }) => `${topic.topicName}: ${description}`)),
    open: () => mixed(samples),
  };
}

/** The topics that operators read and none of them writes. */
export function outsideTopics({ functions }: Topology): readonly AnyTopic[] {
  const sources = functions.flatMap((plan) => plan.sources.filter(({ writtenByMillrace }) => !writtenByMillrace));
  return [...new Map(sources.map(({ topic }) => [topic.topicName, topic])).values()];
}

/** Whether elements say when they happened, so that they cannot come again later. */
function hasOwnTime({ topicName }: AnyTopic, { functions }: Topology): boolean {
  return functions.some(({ sources }) =>
    sources.some(
      ({ topic, nodes }) => topic.topicName === topicName && nodes.some((node) => node.timestampOf !== undefined),
    ),
  );
}

async function fromFile(
  text: string,
  topics: readonly AnyTopic[],
  folder: string,
  topology: Topology,
): Promise<TopicSample[]> {
  const [, name, file = text] = /^([\w.-]+)=(.+)$/s.exec(text) ?? [];
  if (/\.[mc]?[jt]s$/.test(file)) return fromModule(resolve(folder, file), topics);
  const [topic, ...others] = name === undefined ? topics : topics.filter(({ topicName }) => topicName === name);
  const there = listOf(topics.map(({ topicName }) => topicName));
  if (topic === undefined)
    throw new MillraceError(
      "usage",
      `No operator reads a topic ${quote(name ?? "")} from outside; they read ${there}.`,
    );
  if (others.length > 0)
    throw new MillraceError(
      "usage",
      `Of which topic are the records of ${file}? Say --sample topic=${file}; operators read ${there}.`,
    );
  const records = linesOf(resolve(folder, file)).flatMap((line) =>
    line.length === 0 ? [] : makeRecord(topic, line, { keySeparator: undefined, timestampMs: -1 }),
  );
  if (records.length === 0) throw new MillraceError("usage", `There are no records in ${file}.`);
  return [listed(topic, records, `${countOf(records)} lines of ${file}`, topology)];
}

function linesOf(file: string): readonly Uint8Array[] {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new MillraceError("usage", `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  return [...splitter.push(bytes), ...splitter.end()].filter((line) => line !== undefined);
}

type Make = (n: number, nowMs: number) => unknown;

/** A module whose default export has a function for each topic: the n-th element, written at a time. */
async function fromModule(file: string, topics: readonly AnyTopic[]): Promise<TopicSample[]> {
  const { default: makers } = (await importFile(file)) as { default?: Readonly<Record<string, unknown>> };
  const found = topics.flatMap((topic) => {
    const make = makers?.[topic.topicName];
    return typeof make === "function" ? [{ topic, make: make as Make }] : [];
  });
  if (found.length === 0)
    throw new MillraceError(
      "usage",
      `${file} makes elements of no topic: let its default export be an object like { ${quote(topics[0]?.topicName ?? "orders")}: (n, atMs) => element }.`,
    );
  return found.map(({ topic, make }) => ({
    topic,
    share: 1,
    description: `made by ${basename(file)}`,
    at: (n, nowMs) => toRecord(topic, make(n, nowMs), nowMs),
  }));
}

function toRecord(topic: AnyTopic, made: unknown, nowMs: number): OutgoingRecord {
  const { value, key = null, timestampMs = nowMs } = isPlaced(made) ? made : { value: made };
  return {
    key: key === null || topic.keyFormat === undefined ? null : topic.keyFormat.encode(key),
    value: value === null ? null : topic.valueFormat.encode(value),
    timestampMs,
    headers: [],
  };
}

function fromRecorded(topic: AnyTopic, recorded: Recorded, topology: Topology): TopicSample | undefined {
  const records = recorded.get(topic.topicName) ?? [];
  if (records.length === 0) return undefined;
  return listed(topic, records, `its ${countOf(records)} latest records`, topology);
}

function listed(
  topic: AnyTopic,
  records: readonly OutgoingRecord[],
  description: string,
  topology: Topology,
): TopicSample {
  const isOnce = hasOwnTime(topic, topology);
  return {
    topic,
    share: records.length,
    description: `${description}${isOnce ? ", with their own times" : ""}`,
    at(n, nowMs) {
      const record = records[isOnce ? n : n % records.length];
      return record && { ...record, timestampMs: nowMs };
    },
  };
}

function generated(topic: AnyTopic): TopicSample {
  if (topic.valueFormat.kind !== "text")
    throw new MillraceError(
      "usage",
      `Nothing is known of what is in topic ${quote(topic.topicName)}: give --sample ${topic.topicName}=file, a line for each record; or a module whose default export is { ${quote(topic.topicName)}: (n, atMs) => element }; or run the application first, and its topics are taken.`,
    );
  const at = (n: number, nowMs: number) => toRecord(topic, generateText(n), nowMs);
  return { topic, share: 1, description: "generated lines of twelve of 1,000 words", at };
}

function mixed(samples: readonly TopicSample[]): Sample {
  const whole = samples.reduce((sum, { share }) => sum + share, 0);
  const cursors = samples.map((sample) => ({ sample, n: 0, credit: 0, isThere: true }));
  return {
    next(nowMs) {
      // Whoever has waited longest for its share is next.
      for (const cursor of cursors) cursor.credit += cursor.sample.share / whole;
      for (const cursor of cursors.toSorted((a, b) => b.credit - a.credit)) {
        const record = cursor.isThere ? cursor.sample.at(cursor.n, nowMs) : undefined;
        if (record === undefined) {
          cursor.isThere = false;
          continue;
        }
        cursor.n += 1;
        cursor.credit -= 1;
        return { topic: cursor.sample.topic.topicName, record };
      }
      return undefined;
    },
    hasEnded: () => cursors.every(({ isThere }) => !isThere),
    recordBytes: (count) =>
      samples.reduce((sum, { at, share }) => {
        const records = Array.from({ length: count }, (_, n) => at(n, 0)).filter((record) => record !== undefined);
        const bytes = records.reduce((total, record) => total + recordBytes(record), 0);
        return sum + (bytes / records.length) * (share / whole);
      }, 0),
  };
}

function countOf(things: readonly unknown[]): string {
  return things.length.toLocaleString("en");
}
