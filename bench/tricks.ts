/** The unusual ways of the hot paths beside the usual ones: a comment that says one is faster stands or falls with its row here. */

import { brotliCompressSync, constants, deflateRawSync, zstdCompressSync } from "node:zlib";
import { crc32c } from "../lib/kafka/crc32c.ts";
import { noCounts } from "../lib/operators/step.ts";
import { packMeta } from "../lib/state-log/pack-meta.ts";
import { encodeUtf8 } from "../lib/stream/utf8.ts";
import { eventTexts } from "./events.ts";
import { measure } from "./measure.ts";
import type { ProgressOf, Row, Section } from "./section.ts";

const TIMES = 200_000;
const ROUNDS = 7;

/** Of a task behind a shuffle of four partitions. */
const META = JSON.stringify({
  ...{
    checkpoint: 39,
    newestMs: [],
    watermarkMs: 1_699_999_999_098,
    nowMs: 1_795_399_482_269,
    activeAtMs: 1_795_399_482_269,
  },
  ...{ idle: false, announcedMs: 1_699_999_999_001 },
  upstream: [0, 1, 2, 3].map((partition) => [`count-by-user/plain-views-${partition}`, 0, 40, 1_699_999_999_098, 2]),
  ...{ seen: [], bundles: [], totals: { ...noCounts(), elements: 2_000, records: 40, outputs: 0 } },
  shapes: { "by-key/window": "tumbling of 5000 ms in event time, count" },
});

/** Keeps results alive, so that no work is left out. */
const kept = { characters: 0, nothings: 0 };

type Pair = {
  readonly what: string;
  readonly usual: (i: number) => unknown;
  readonly ours: (i: number) => unknown;
  readonly times?: number;
};

export async function tricks(progressOf: ProgressOf): Promise<Section> {
  const rows: Row[] = [];
  for (const pair of pairs()) rows.push(await compare(pair, progressOf(pair.what)));
  rows.push(...compressedSizes());
  return { title: "tricks, against the usual way", rows };
}

function pairs(): Pair[] {
  const [event = ""] = eventTexts("views", 0, 1_000, 1_000, 300);
  const short = `{"word":"stream","count":12,"windowStartMs":1700000000000}`;
  const base64 = Buffer.from("x".repeat(150)).toString("base64");
  const value = Buffer.from(short);
  const buffer = Buffer.alloc(1_024) as Buffer & {
    base64Write(text: string, at: number): number;
    utf8Slice(start: number, end: number): string;
  };
  buffer.set(value);
  const encoder = new TextEncoder();
  const strict = new TextDecoder("utf-8", { fatal: true });
  const words = "the quick brown fox jumps over the lazy dog".split(" ");
  const bytes = Buffer.from(event.slice(0, 4_096));
  return [
    scan("text in one piece", event),
    // What writeEvent returns: V8 keeps the parts' node in front of the text even after it was put together.
    scan("text put together from parts", event.slice(0, 1_000) + event.slice(1_000)),
    {
      what: "meta of an entry: packed with a dictionary, against zstd",
      usual: () => zstdCompressSync(META),
      ours: () => packMeta(META),
      times: 20_000,
    },
    {
      what: "short text to UTF-8: encodeUtf8, against TextEncoder.encode",
      usual: () => encoder.encode(short),
      ours: () => encodeUtf8(short),
    },
    {
      what: "base64 of 150 bytes: base64Write, against write(…, 'base64')",
      usual: () => buffer.write(base64, 512, "base64"),
      ours: () => buffer.base64Write(base64, 512),
    },
    {
      what: "short UTF-8 to text: utf8Slice, against a strict TextDecoder",
      usual: () => strict.decode(value),
      ours: () => buffer.utf8Slice(0, value.length),
    },
    {
      what: "nine results of a flatMap: by index, against for … of",
      usual: () => {
        for (const word of words) kept.characters += word.length;
      },
      ours: () => {
        for (let i = 0; i < words.length; i++) kept.characters += (words[i] as string).length;
      },
    },
    {
      what: "CRC-32C of 4 KB: four tables, against byte by byte",
      usual: () => crcByByte(bytes),
      ours: () => crc32c(bytes),
      times: 5_000,
    },
  ];
}

/** Looking for the same characters at a thousand places of an event's text. */
function scan(how: string, text: string): Pair {
  const expected = ',"timestampType":"CREATE_TIME","value":"';
  const positions = [...text.matchAll(new RegExp(expected, "g"))].map(({ index }) => index);
  return {
    what: `event scan, ${how}: substring === expected, against startsWith`,
    usual: (i) => text.startsWith(expected, positions[i % positions.length]),
    ours: (i) => {
      const at = positions[i % positions.length] as number;
      return text.substring(at, at + expected.length) === expected;
    },
  };
}

async function compare(
  { what, usual, ours, times = TIMES }: Pair,
  progress: (done: number, of: number) => void,
): Promise<Row> {
  const run = (fn: (i: number) => unknown) => () => {
    for (let i = 0; i < times; i++) if (fn(i) === undefined) kept.nothings++;
  };
  const [slow, fast] = await measure(
    [
      { name: "usual", records: times, run: run(usual) },
      { name: "ours", records: times, run: run(ours) },
    ],
    ROUNDS,
    progress,
  );
  const ratio = (slow?.wallUs ?? 0) / (fast?.wallUs ?? 1);
  return {
    what,
    figure: `${((fast?.wallUs ?? 0) * 1_000).toFixed(0)} ns`,
    value: fast?.wallUs ?? 0,
    unit: "µs",
    ratio,
  };
}

/** What a bundle of partial counts takes, by compression: sizes and times of one and the same text. */
function compressedSizes(): Row[] {
  const keys = Array.from({ length: 950 }, (_, i) => `user-${(Math.imul(i, 0x9e3779b1) >>> 0) % 10_000}`);
  const text = Buffer.from(JSON.stringify([keys, keys.map((_, i) => 1 + (i % 3))]));
  const ways: [string, () => Uint8Array][] = [
    ["zstd 1 (ours)", () => zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 1 } })],
    ["deflate 1", () => deflateRawSync(text, { level: 1 })],
    ["deflate 6", () => deflateRawSync(text, { level: 6 })],
    ["brotli 1", () => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ];
  return ways.map(([name, pack]) => {
    for (let i = 0; i < 50; i++) pack();
    const times = Array.from({ length: 101 }, () => {
      const start = process.hrtime.bigint();
      pack();
      return Number(process.hrtime.bigint() - start) / 1_000;
    }).sort((a, b) => a - b);
    const us = times[50] as number;
    const { length } = pack();
    return {
      what: `950 counts of ${text.length} bytes: ${name}`,
      figure: `${us.toFixed(0)} µs, ${length} bytes`,
      value: us,
      unit: "µs",
    };
  });
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c;
});

function crcByByte(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = (TABLE[(c ^ (bytes[i] as number)) & 255] as number) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
