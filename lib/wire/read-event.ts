/**
 * Reads Lambda's Kafka event into columns: from the parsed object, or from its text with one scan.
 *
 * The scan knows the order in which Lambda writes a record's fields. Where the text is otherwise in any way it gives up, and the event
 * goes through JSON.parse: slower, never different.
 */

import { Buffer } from "node:buffer";
import { MillraceError } from "../stream/error.ts";
import type { KafkaEvent, KafkaEventRecord } from "./lambda-event.ts";
import { type Header, type RecordColumns, VALUE_GAP_BYTES } from "./record-columns.ts";

/** The records of one partition in an event. */
export type PartitionInput = { readonly topic: string; readonly partition: number; readonly records: RecordColumns };

/** Characters that a record takes at the least in the event's text: field names, quotes and digits. */
const RECORD_CHARS_MIN = 90;

/** Reads an event. Throws MillraceError "format" for what is not a Kafka event. */
export function readEvent(event: KafkaEvent | string): readonly PartitionInput[] {
  if (typeof event !== "string") return readParsedEvent(event);
  return scanEvent(event) ?? readParsedEvent(JSON.parse(event) as KafkaEvent);
}

/**
 * The bytes of all records of an event: values grow from the front, each followed by a gap, keys from the back. Base64 is a third
 * longer than what it encodes, and the rest of a record's JSON far longer than the gap, so that three quarters of the event's
 * characters have room for both.
 */
class Arena {
  readonly bytes: Buffer & BufferWrites;
  front = 0;
  back: number;

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafe(bytes) as Buffer & BufferWrites;
    this.back = bytes;
  }
}

/** Node's direct base64 writer, which the type definitions leave out; a third faster than `write` with an encoding. */
type BufferWrites = { base64Write(text: string, at: number): number };

/** The columns of one partition while they are filled. */
class Columns {
  readonly offsets: Float64Array;
  readonly timestampsMs: Float64Array;
  readonly keyStart: Int32Array;
  readonly keyEnd: Int32Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  readonly #arena: Arena;
  headers: (readonly Header[])[] | undefined;
  count = 0;

  constructor(records: number, arena: Arena) {
    this.offsets = new Float64Array(records);
    this.timestampsMs = new Float64Array(records);
    this.keyStart = new Int32Array(records);
    this.keyEnd = new Int32Array(records);
    this.valueStart = new Int32Array(records);
    this.valueEnd = new Int32Array(records);
    this.#arena = arena;
  }

  add(
    offset: number,
    timestampMs: number,
    key: string | undefined,
    value: string | undefined,
    headers: readonly Header[] | undefined,
  ): void {
    const i = this.count;
    const arena = this.#arena;
    this.offsets[i] = offset;
    this.timestampsMs[i] = timestampMs;
    if (value === undefined) this.valueStart[i] = -1;
    else {
      this.valueStart[i] = arena.front;
      arena.front += arena.bytes.base64Write(value, arena.front);
      this.valueEnd[i] = arena.front;
      arena.front += VALUE_GAP_BYTES;
    }
    if (key === undefined) this.keyStart[i] = -1;
    else {
      this.keyEnd[i] = arena.back;
      arena.back -= decodedLength(key);
      arena.bytes.base64Write(key, arena.back);
      this.keyStart[i] = arena.back;
    }
    if (headers !== undefined) {
      this.headers ??= Array.from({ length: i }, () => []);
      this.headers[i] = headers;
    } else if (this.headers !== undefined) this.headers[i] = [];
    this.count = i + 1;
  }

  finish(): RecordColumns {
    const { count, offsets, timestampsMs, keyStart, keyEnd, valueStart, valueEnd, headers } = this;
    return {
      count,
      offsets,
      timestampsMs,
      bytes: this.#arena.bytes,
      keyStart,
      keyEnd,
      valueStart,
      valueEnd,
      headers,
      valueGapBytes: VALUE_GAP_BYTES,
    };
  }
}

function decodedLength(base64: string): number {
  const { length } = base64;
  if (length === 0) return 0;
  const padding = base64.charCodeAt(length - 1) !== EQUALS ? 0 : base64.charCodeAt(length - 2) !== EQUALS ? 1 : 2;
  return Math.floor(((length - padding) * 3) / 4);
}

const EQUALS = 61;
const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const BRACE_CLOSE = 125;
const BRACKET_CLOSE = 93;
const ZERO = 48;
const NINE = 57;

const RECORDS = '"records":{';
const TIMESTAMP = ',"timestamp":';
const TIMESTAMP_TYPE = ',"timestampType":"';
const KEY = ',"key":"';
const NULL_KEY = ',"key":null';
const VALUE = ',"value":"';
const NULL_VALUE = ',"value":null';
const HEADERS = ',"headers":[';

/** Reads the text of an event as Lambda writes it; undefined where it is written in any other way. */
function scanEvent(text: string): readonly PartitionInput[] | undefined {
  let at = text.indexOf(RECORDS);
  if (at < 0) return undefined;
  at += RECORDS.length;
  const inputs: PartitionInput[] = [];
  const arena = new Arena(Math.ceil(text.length * 0.75) + 64);
  while (text.charCodeAt(at) === QUOTE) {
    const nameEnd = text.indexOf('":[', at + 1);
    if (nameEnd < 0) return undefined;
    const dash = text.lastIndexOf("-", nameEnd);
    const topic = text.substring(at + 1, dash);
    const partition = Number(text.substring(dash + 1, nameEnd));
    const start = `{"topic":"${topic}","partition":${partition},"offset":`;
    const scanned = scanPartition(text, nameEnd + 3, start, arena);
    if (scanned === undefined) return undefined;
    inputs.push({ topic, partition, records: scanned.records });
    at = scanned.end;
    if (text.charCodeAt(at) === COMMA) at++;
  }
  return text.charCodeAt(at) === BRACE_CLOSE ? inputs : undefined;
}

/** Reads one partition's array of records; `at` stands behind its opening bracket. One function, as it is the hottest of all: bench/decode. */
function scanPartition(
  text: string,
  at: number,
  start: string,
  arena: Arena,
): { records: RecordColumns; end: number } | undefined {
  const columns = new Columns(Math.ceil((text.length - at) / RECORD_CHARS_MIN) + 1, arena);
  if (text.charCodeAt(at) === BRACKET_CLOSE) return { records: columns.finish(), end: at + 1 };
  for (;;) {
    if (!text.startsWith(start, at)) return undefined;
    at += start.length;
    let digit = text.charCodeAt(at);
    let offset = 0;
    if (digit < ZERO || digit > NINE) return undefined;
    do {
      offset = offset * 10 + (digit - ZERO);
      digit = text.charCodeAt(++at);
    } while (digit >= ZERO && digit <= NINE);
    if (!text.startsWith(TIMESTAMP, at)) return undefined;
    at += TIMESTAMP.length;
    digit = text.charCodeAt(at);
    const negative = digit === MINUS;
    if (negative) digit = text.charCodeAt(++at);
    let timestampMs = 0;
    if (digit < ZERO || digit > NINE) return undefined;
    do {
      timestampMs = timestampMs * 10 + (digit - ZERO);
      digit = text.charCodeAt(++at);
    } while (digit >= ZERO && digit <= NINE);
    if (negative) timestampMs = -timestampMs;
    if (!text.startsWith(TIMESTAMP_TYPE, at)) return undefined;
    at = text.indexOf('"', at + TIMESTAMP_TYPE.length) + 1;

    let key: string | undefined;
    if (text.startsWith(KEY, at)) {
      const end = text.indexOf('"', at + KEY.length);
      key = text.substring(at + KEY.length, end);
      at = end + 1;
    } else if (text.startsWith(NULL_KEY, at)) at += NULL_KEY.length;

    let value: string | undefined;
    if (text.startsWith(VALUE, at)) {
      const end = text.indexOf('"', at + VALUE.length);
      value = text.substring(at + VALUE.length, end);
      at = end + 1;
    } else if (text.startsWith(NULL_VALUE, at)) at += NULL_VALUE.length;

    if (!text.startsWith(HEADERS, at)) return undefined;
    at += HEADERS.length;
    let headers: readonly Header[] | undefined;
    if (text.charCodeAt(at) === BRACKET_CLOSE) at++;
    else {
      const end = endOfArray(text, at);
      if (end < 0) return undefined;
      headers = readHeaders(JSON.parse(text.substring(at - 1, end)) as KafkaEventRecord["headers"]);
      at = end;
    }
    if (text.charCodeAt(at) !== BRACE_CLOSE) return undefined;
    columns.add(offset, timestampMs, key, value, headers);
    const next = text.charCodeAt(++at);
    at++;
    if (next === COMMA) continue;
    return next === BRACKET_CLOSE ? { records: columns.finish(), end: at } : undefined;
  }
}

/** The position behind the bracket that closes the array whose first element starts at `at`; −1 where none does. */
function endOfArray(text: string, at: number): number {
  let depth = 1;
  for (let i = at; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      do {
        i = text.indexOf('"', i + 1);
        if (i < 0) return -1;
      } while (isEscaped(text, i));
    } else if (c === 91) depth++;
    else if (c === BRACKET_CLOSE && --depth === 0) return i + 1;
  }
  return -1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 92) backslashes++;
  return backslashes % 2 === 1;
}

function readHeaders(headers: KafkaEventRecord["headers"]): readonly Header[] {
  return headers.flatMap((header) =>
    Object.entries(header).map(([name, bytes]): Header => [name, Uint8Array.from(bytes ?? [])]),
  );
}

function readParsedEvent(event: KafkaEvent): readonly PartitionInput[] {
  if (typeof event !== "object" || event === null || typeof event.records !== "object" || event.records === null)
    throw new MillraceError(
      "format",
      "The function was invoked with something that is not a Kafka event: it has no `records`. Is its trigger a Kafka event source mapping?",
    );
  return Object.entries(event.records).map(([name, records]) => {
    const dash = name.lastIndexOf("-");
    let chars = 0;
    for (const record of records) chars += (record.value?.length ?? 0) + (record.key?.length ?? 0);
    const columns = new Columns(
      records.length,
      new Arena(Math.ceil(chars * 0.75) + records.length * (VALUE_GAP_BYTES + 4)),
    );
    for (const record of records) {
      const headers =
        record.headers === undefined || record.headers === null || record.headers.length === 0
          ? undefined
          : readHeaders(record.headers);
      columns.add(record.offset, record.timestamp ?? -1, record.key ?? undefined, record.value ?? undefined, headers);
    }
    return {
      topic: records[0]?.topic ?? name.slice(0, dash),
      partition: records[0]?.partition ?? Number(name.slice(dash + 1)),
      records: columns.finish(),
    };
  });
}
