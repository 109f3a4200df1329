/**
 * Reads Lambda's Kafka event into columns: from the parsed object, or from its text with one scan. Within a process they may be there already.
 *
 * The scan knows the order in which Lambda writes a record's fields. Where the text is otherwise in any way it gives up, and the event
 * goes through JSON.parse: slower, never different.
 */

import { Buffer } from "node:buffer";
import { MillraceError } from "../stream/error.ts";
import { type ColumnsEvent, columnsIn } from "./columns-event.ts";
import type { KafkaEvent, KafkaEventRecord } from "./lambda-event.ts";
import type { Header, RecordColumns } from "./record-columns.ts";

/** The records of one partition in an event. */
export type PartitionInput = { readonly topic: string; readonly partition: number; readonly records: RecordColumns };

/** Reads an event. Throws MillraceError "format" for what is not a Kafka event. */
export function readEvent(event: Pick<KafkaEvent, "records"> | ColumnsEvent | string): readonly PartitionInput[] {
  if (typeof event !== "string") return columnsIn(event) ?? readParsedEvent(event as Pick<KafkaEvent, "records">);
  return scanEvent(event) ?? readParsedEvent(parseEvent(event));
}

/**
 * The columns of one partition while they are filled. The records of an event share one buffer: base64 is a third longer than what it encodes, so
 * that three quarters of an event's characters have room for all keys and values.
 */
class Columns {
  count = 0;
  readonly #arena: Arena;
  readonly #offsets: Float64Array;
  readonly #timestampsMs: Float64Array;
  readonly #keyStart: Int32Array;
  readonly #keyEnd: Int32Array;
  readonly #valueStart: Int32Array;
  readonly #valueEnd: Int32Array;
  #headers: (readonly Header[])[] | undefined;

  constructor(records: number, arena: Arena) {
    this.#arena = arena;
    this.#offsets = new Float64Array(records);
    this.#timestampsMs = new Float64Array(records);
    this.#keyStart = new Int32Array(records);
    this.#keyEnd = new Int32Array(records);
    this.#valueStart = new Int32Array(records);
    this.#valueEnd = new Int32Array(records);
  }

  /** Adds a record; key and value in base64, undefined for null. */
  add(offset: number, timestampMs: number, key: string | undefined, value: string | undefined): void {
    const i = this.count;
    const arena = this.#arena;
    this.#offsets[i] = offset;
    this.#timestampsMs[i] = timestampMs;
    if (key === undefined) this.#keyStart[i] = -1;
    else {
      this.#keyStart[i] = arena.at;
      arena.at += arena.bytes.base64Write(key, arena.at);
      this.#keyEnd[i] = arena.at;
    }
    if (value === undefined) this.#valueStart[i] = -1;
    else {
      this.#valueStart[i] = arena.at;
      arena.at += arena.bytes.base64Write(value, arena.at);
      this.#valueEnd[i] = arena.at;
    }
    this.count = i + 1;
  }

  /** Gives headers to the record that was added last. */
  setHeaders(headers: readonly Header[]): void {
    this.#headers ??= [];
    this.#headers[this.count - 1] = headers;
  }

  finish(): RecordColumns {
    return {
      count: this.count,
      offsets: this.#offsets,
      timestampsMs: this.#timestampsMs,
      bytes: this.#arena.bytes,
      keyStart: this.#keyStart,
      keyEnd: this.#keyEnd,
      valueStart: this.#valueStart,
      valueEnd: this.#valueEnd,
      headers: this.#headers,
    };
  }
}

type Arena = { readonly bytes: BytesFromBase64; at: number };

/** Node's direct base64 writer, which the type definitions leave out: a tenth less time than `write` with an encoding (`npm run bench -- --only tricks`). */
type BytesFromBase64 = Buffer & { base64Write(text: string, at: number): number };

function newArena(chars: number): Arena {
  return { bytes: Buffer.allocUnsafe(Math.ceil(chars * 0.75) + 4) as BytesFromBase64, at: 0 };
}

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const BRACE_CLOSE = 125;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const ZERO = 48;
const NINE = 57;

const RECORDS = '"records":{';
const TIMESTAMP = ',"timestamp":';
const TIMESTAMP_TYPE = ',"timestampType":"';
/** What stands between timestamp and value of most records: they have no key. */
const TO_VALUE = ',"timestampType":"CREATE_TIME","value":"';
const KEY = ',"key":"';
const NULL_KEY = ',"key":null';
const VALUE = ',"value":"';
const NULL_VALUE = ',"value":null';
const HEADERS = ',"headers":[';

/** Characters that a record takes at the least in the event's text: names, quotes and digits. */
const RECORD_CHARS_MIN = 90;

/** Reads the text of an event as Lambda writes it; undefined where it is written in any other way. */
function scanEvent(text: string): readonly PartitionInput[] | undefined {
  let at = text.indexOf(RECORDS);
  if (at < 0) return undefined;
  at += RECORDS.length;
  // Base64 has no need of escapes, but JSON would let it have them: what was escaped is not what stands there.
  if (text.indexOf("\\", at) >= 0) return undefined;
  const inputs: PartitionInput[] = [];
  const arena = newArena(text.length - at);
  while (text.charCodeAt(at) === QUOTE) {
    const nameEnd = text.indexOf('":[', at + 1);
    if (nameEnd < 0) return undefined;
    const dash = text.lastIndexOf("-", nameEnd);
    const topic = text.substring(at + 1, dash);
    const partition = Number(text.substring(dash + 1, nameEnd));
    const scanned = scanPartition(text, nameEnd + 3, `{"topic":"${topic}","partition":${partition},"offset":`, arena);
    if (scanned === undefined) return undefined;
    inputs.push({ topic, partition, records: scanned.records });
    at = scanned.end;
    if (text.charCodeAt(at) === COMMA) at++;
  }
  return text.charCodeAt(at) === BRACE_CLOSE ? inputs : undefined;
}

/**
 * Reads one partition's array of records; `at` stands behind its opening bracket, `start` is how a record begins. One long function with few comparisons a
 * record, as it is the hottest of all: `npm run bench -- --only count`.
 */
function scanPartition(
  text: string,
  at: number,
  start: string,
  arena: Arena,
): { records: RecordColumns; end: number } | undefined {
  const columns = new Columns(Math.ceil((text.length - at) / RECORD_CHARS_MIN) + 1, arena);
  if (text.charCodeAt(at) === BRACKET_CLOSE) return { records: columns.finish(), end: at + 1 };
  if (!isAt(text, start, at)) return undefined;
  at += start.length;
  /** From the end of one record's value to the next record's offset, where there are no headers. */
  const toNext = `","headers":[]},${start}`;
  for (;;) {
    let digit = text.charCodeAt(at);
    if (digit < ZERO || digit > NINE) return undefined;
    let offset = 0;
    do {
      offset = offset * 10 + (digit - ZERO);
      digit = text.charCodeAt(++at);
    } while (digit >= ZERO && digit <= NINE);
    if (!isAt(text, TIMESTAMP, at)) return undefined;
    at += TIMESTAMP.length;
    digit = text.charCodeAt(at);
    const isNegative = digit === MINUS;
    if (isNegative) digit = text.charCodeAt(++at);
    if (digit < ZERO || digit > NINE) return undefined;
    let timestampMs = 0;
    do {
      timestampMs = timestampMs * 10 + (digit - ZERO);
      digit = text.charCodeAt(++at);
    } while (digit >= ZERO && digit <= NINE);
    if (isNegative) timestampMs = -timestampMs;

    let key: string | undefined;
    let value: string | undefined;
    if (isAt(text, TO_VALUE, at)) {
      const end = text.indexOf('"', at + TO_VALUE.length);
      value = text.substring(at + TO_VALUE.length, end);
      at = end;
    } else {
      if (!isAt(text, TIMESTAMP_TYPE, at)) return undefined;
      at = text.indexOf('"', at + TIMESTAMP_TYPE.length) + 1;
      if (isAt(text, KEY, at)) {
        const end = text.indexOf('"', at + KEY.length);
        key = text.substring(at + KEY.length, end);
        at = end + 1;
      } else if (isAt(text, NULL_KEY, at)) at += NULL_KEY.length;
      if (isAt(text, VALUE, at)) {
        const end = text.indexOf('"', at + VALUE.length);
        value = text.substring(at + VALUE.length, end);
        at = end;
        // A value of null ends in a letter; `at` then stands on it, as it stands on the quote otherwise.
      } else if (isAt(text, NULL_VALUE, at)) at += NULL_VALUE.length - 1;
      else at--;
    }
    columns.add(offset, timestampMs, key, value);
    if (isAt(text, toNext, at)) {
      at += toNext.length;
      continue;
    }
    at++;
    if (!isAt(text, HEADERS, at)) return undefined;
    at += HEADERS.length;
    if (text.charCodeAt(at) === BRACKET_CLOSE) at++;
    else {
      const end = endOfArray(text, at);
      if (end < 0) return undefined;
      columns.setHeaders(readHeaders(JSON.parse(text.substring(at - 1, end)) as KafkaEventRecord["headers"]));
      at = end;
    }
    if (text.charCodeAt(at) !== BRACE_CLOSE) return undefined;
    if (text.charCodeAt(at + 1) === BRACKET_CLOSE) return { records: columns.finish(), end: at + 2 };
    if (text.charCodeAt(at + 1) !== COMMA || !isAt(text, start, at + 2)) return undefined;
    at += 2 + start.length;
  }
}

/**
 * Whether `expected` stands at a position: a comparison of two strings, more than twice as fast as
 * `startsWith` where V8 does not inline that, and not slower where it does: `npm run bench -- --only tricks`.
 */
function isAt(text: string, expected: string, at: number): boolean {
  return text.substring(at, at + expected.length) === expected;
}

/** The position behind the bracket that closes the array whose first element starts at `at`; −1 where none does. Nothing is escaped. */
function endOfArray(text: string, at: number): number {
  let depth = 1;
  for (let i = at; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      i = text.indexOf('"', i + 1);
      if (i < 0) return -1;
    } else if (c === BRACKET_OPEN) depth++;
    else if (c === BRACKET_CLOSE && --depth === 0) return i + 1;
  }
  return -1;
}

function readHeaders(headers: KafkaEventRecord["headers"]): readonly Header[] {
  return headers.flatMap((header) =>
    Object.entries(header).map(([name, bytes]): Header => [name, Uint8Array.from(bytes ?? [])]),
  );
}

function parseEvent(text: string): KafkaEvent {
  try {
    return JSON.parse(text) as KafkaEvent;
  } catch (cause) {
    throw notAnEvent("it is text that is not JSON", cause);
  }
}

function notAnEvent(why: string, cause?: unknown): MillraceError {
  return new MillraceError(
    "format",
    `The function was invoked with something that is not a Kafka event: ${why}. Is its trigger a Kafka event source mapping?`,
    { cause },
  );
}

function readParsedEvent(event: Pick<KafkaEvent, "records">): readonly PartitionInput[] {
  if (typeof event !== "object" || event === null || typeof event.records !== "object" || event.records === null)
    throw notAnEvent("it has no `records`");
  if (Array.isArray(event.records)) throw notAnEvent("its `records` are a list, not lists by partition");
  return Object.entries(event.records).map(([name, records]) => {
    const dash = name.lastIndexOf("-");
    if (!Array.isArray(records) || records.some((record) => typeof record?.offset !== "number"))
      throw notAnEvent(`what it has for ${name} is no list of records`);
    const columns = new Columns(
      records.length,
      newArena(records.reduce((chars, { key, value }) => chars + (key?.length ?? 0) + (value?.length ?? 0) + 4, 0)),
    );
    for (const { offset, timestamp, key, value, headers } of records) {
      columns.add(offset, timestamp ?? -1, key ?? undefined, value ?? undefined);
      if (headers !== undefined && headers !== null && headers.length > 0) columns.setHeaders(readHeaders(headers));
    }
    const [first] = records;
    return {
      topic: first?.topic ?? name.slice(0, dash),
      partition: first?.partition ?? Number(name.slice(dash + 1)),
      records: columns.finish(),
    };
  });
}
