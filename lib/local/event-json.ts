/**
 * Writes Lambda's Kafka event as the text that Lambda sends, straight from columns.
 *
 * Where AWS's documentation leaves a choice: a null key is left out, a null value is `null`, an empty one is `""`; bytes of headers are
 * signed, as Lambda's pollers, written in Java, put them. https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html
 */

import { Buffer } from "node:buffer";
import type { Header, RecordColumns } from "../wire/record-columns.ts";
import type { Slice } from "./batching.ts";

/** Where an event says it comes from. */
export type EventOrigin = {
  readonly eventSource: "aws:kafka" | "SelfManagedKafka";
  /** Of the MSK cluster; self-managed Kafka has none. */
  readonly eventSourceArn?: string;
  readonly bootstrapServers: string;
  readonly topic: string;
};

/** Node's direct base64 encoder, which the type definitions leave out. */
type Base64Source = { base64Slice(start: number, end: number): string };

/** The text of an event; slices of one partition stand together, in order. */
export function writeEvent(origin: EventOrigin, slices: readonly Slice[]): string {
  const { eventSource, eventSourceArn, bootstrapServers, topic } = origin;
  let text = `{"eventSource":"${eventSource}",`;
  if (eventSourceArn !== undefined) text += `"eventSourceArn":${JSON.stringify(eventSourceArn)},`;
  text += `"bootstrapServers":${JSON.stringify(bootstrapServers)},"records":{`;
  let partition: number | undefined;
  for (const slice of slices) {
    if (slice.from === slice.to) continue;
    if (slice.partition === partition) text += ",";
    else {
      text += `${partition === undefined ? "" : "],"}${JSON.stringify(`${topic}-${slice.partition}`)}:[`;
      partition = slice.partition;
    }
    text += writeRecords(`{"topic":${JSON.stringify(topic)},"partition":${partition},"offset":`, slice);
  }
  return `${text}${partition === undefined ? "" : "]"}}}`;
}

function writeRecords(start: string, { columns, from, to }: Slice): string {
  const { offsets, timestampsMs, keyStart, keyEnd, valueStart, valueEnd, headers, bytes } = columns;
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) as Buffer & Base64Source;
  let text = "";
  for (let i = from; i < to; i += 1) {
    text += `${i === from ? "" : ","}${start}${offsets[i]},"timestamp":${timestampsMs[i]},"timestampType":"CREATE_TIME"`;
    const keyAt = keyStart[i] as number;
    if (keyAt >= 0) text += `,"key":"${source.base64Slice(keyAt, keyEnd[i] as number)}"`;
    const valueAt = valueStart[i] as number;
    text += valueAt < 0 ? ',"value":null' : `,"value":"${source.base64Slice(valueAt, valueEnd[i] as number)}"`;
    const some = headers?.[i];
    text += some === undefined || some.length === 0 ? ',"headers":[]}' : `,"headers":[${writeHeaders(some)}]}`;
  }
  return text;
}

function writeHeaders(headers: readonly Header[]): string {
  let text = "";
  for (const [name, value] of headers) {
    text += `${text === "" ? "" : ","}{${JSON.stringify(name)}:[`;
    for (let i = 0; i < value.length; i += 1) text += (i === 0 ? "" : ",") + (((value[i] as number) << 24) >> 24);
    text += "]}";
  }
  return text;
}

/** Field names, quotes, the longest offset, timestamp and partition, and the comma. */
const RECORD_JSON_BYTES =
  `{"topic":"","partition":${2 ** 31},"offset":${2 ** 53},"timestamp":-${2 ** 53},"timestampType":"CREATE_TIME","key":"","value":"","headers":[]},`
    .length;
/** What stands around the records of one partition. */
export const PARTITION_JSON_BYTES = `"-${2 ** 31}":[],`.length;
const HEADER_JSON_BYTES = `{"":[]},`.length;
/** `-128,` */
const HEADER_BYTE_JSON_BYTES = 5;

/** What stands around all of an event, in bytes at the most. */
export function eventJsonBytes(origin: EventOrigin): number {
  return Buffer.byteLength(writeEvent(origin, []));
}

/** How many bytes record `i` takes in an event, at the most and about. */
export function recordJsonBytes(columns: RecordColumns, i: number, topicBytes: number): number {
  const key = (columns.keyEnd[i] as number) - (columns.keyStart[i] as number);
  const value = (columns.valueEnd[i] as number) - (columns.valueStart[i] as number);
  let bytes = RECORD_JSON_BYTES + topicBytes + base64Bytes(key) + base64Bytes(value);
  const headers = columns.headers?.[i];
  if (headers !== undefined) {
    for (const [name, content] of headers) {
      bytes += HEADER_JSON_BYTES + Buffer.byteLength(JSON.stringify(name)) + content.length * HEADER_BYTE_JSON_BYTES;
    }
  }
  return bytes;
}

function base64Bytes(bytes: number): number {
  return Math.ceil(Math.max(0, bytes) / 3) * 4;
}
