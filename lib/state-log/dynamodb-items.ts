/**
 * How entries, chunks and the rest lie in the table: keys, attributes, and the clauses of each condition.
 *
 *     pk                        sk               what
 *     entries#TASK              SLOT             an entry (L3: one item); its body in parts where it is too large
 *     chunks#SHARD#TASK         RANGE            a chunk, or what names its blob
 *     parts#SHARD#FOLDER#TASK   NUMBER#ATTEMPT#I a part of a blob (dynamodb-parts.ts)
 *     tasks                     TASK             the listing: that there is such a task, written once
 *     generations               FUNCTION         the generation of a function
 *
 * Slots of a ring of 32, and what the put of entry 35 asks of its slot (L2):
 *
 *     slot      2     3     4    …   31     0     1          in the first lap: IS_EMPTY
 *     holds    34     3     4   …    31    32    33          later: HOLDS_LAP_BEFORE, exactly 35 − 32 = 3
 */

import { createHash } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { BlobName, BlobStore } from "./blob-store.ts";
import type { Rules } from "./decisions.ts";
import { packMeta, unpackMeta } from "./pack-meta.ts";
import type { Chunk, LogEntry } from "./state-log.ts";

/** What the SDK takes and gives: attributes by name. */
export type Item = Record<string, AttributeValue>;

/** DynamoDB's limit for an item is 400 KB, names included; what is above this goes into a blob. */
export const ITEM_BYTES_MAX = 390 * 1024;

/** Over how many partition keys a task's chunks, and a folder's parts, are spread: each allows 3,000 read and 1,000 write units a second. Fixed. */
export const SHARDS = 4;

export const LISTING = "tasks";
export const GENERATIONS = "generations";
export const GENERATION = "generation";

/** L2: nobody has put the first entry of this slot. */
const IS_EMPTY = "attribute_not_exists(#seq)";
/** L2: the slot holds exactly the entry one lap earlier. */
const HOLDS_LAP_BEFORE = "#seq = :lapBefore";
/** L6: a chunk is only ever replaced by one of a later entry. */
const HAS_NO_CHUNK = "attribute_not_exists(#asOf)";
const HAS_EARLIER_CHUNK = "#asOf < :asOf";
/** A generation is allotted by whoever saw the one before it. */
const HAS_NO_GENERATION = "attribute_not_exists(#generation)";
const HAS_GENERATION = "#generation = :after";

/** What the slot must hold for the entry to be put (L2). */
export function entryCondition(sequenceNumber: number, rules: Rules) {
  const names = { "#seq": "seq" };
  const required = rules.requiredInSlot(sequenceNumber);
  return required === undefined
    ? { expression: IS_EMPTY, names }
    : { expression: HOLDS_LAP_BEFORE, names, values: { ":lapBefore": toNumber(required) } };
}

export function chunkCondition(asOf: number) {
  return {
    expression: `${HAS_NO_CHUNK} OR ${HAS_EARLIER_CHUNK}`,
    names: { "#asOf": "asOf" },
    values: { ":asOf": toNumber(asOf) },
  };
}

export function generationCondition(after: number) {
  const names = { "#generation": GENERATION };
  return after === 0
    ? { expression: HAS_NO_GENERATION, names }
    : { expression: HAS_GENERATION, names, values: { ":after": toNumber(after) } };
}

export function entryKey(task: string, slot: number) {
  return { pk: entriesOf(task), sk: padded(slot, 4) };
}

export function entriesOf(task: string): string {
  return `entries#${task}`;
}

function chunkKey(task: string, range: string) {
  return { pk: chunksOf(task, shardOf(range)), sk: range };
}

export function chunksOf(task: string, shard: number): string {
  return `chunks#${shard}#${task}`;
}

/** Where the body of an entry lies when it is too large for the item. */
export function entryBlob(
  task: string,
  { sequenceNumber, attemptId }: Pick<LogEntry, "sequenceNumber" | "attemptId">,
): BlobName {
  return { task, folder: "entries", number: sequenceNumber, attemptId };
}

export function chunkBlob(task: string, range: string, asOf: number, attemptId: string): BlobName {
  return { task, folder: `chunks/${encodeURIComponent(range)}`, number: asOf, attemptId };
}

/** An entry as it lies in its item: whole, or with its body elsewhere. */
export type StoredEntry = {
  readonly entry: LogEntry;
  /** Bytes of the blob that holds changes and outputs, one behind the other; undefined: `entry` is whole. */
  readonly body: { readonly changesBytes: number; readonly byteLength: number } | undefined;
};

/** The item of an entry, and its body where that must be put into a blob first. */
export function toEntryItem(
  task: string,
  slot: number,
  entry: LogEntry,
): { readonly item: Item; readonly body: Uint8Array | undefined } {
  const { changes, outputs, meta } = entry;
  const key = entryKey(task, slot);
  const head: Item = {
    pk: { S: key.pk },
    sk: { S: key.sk },
    seq: toNumber(entry.sequenceNumber),
    attempt: { S: entry.attemptId },
    prev: { S: entry.previousAttemptId },
    base: toNumber(entry.base),
    ...(entry.covered === entry.base ? {} : { covered: toNumber(entry.covered) }),
    layout: toNumber(entry.layout),
    size: toNumber(Buffer.byteLength(meta) + changes.byteLength + outputs.byteLength),
    meta: { B: packMeta(meta) },
    ...(entry.selfContained ? { whole: { BOOL: true } } : {}),
    ...(entry.wakeAtMs === null ? {} : { wakeAt: toNumber(entry.wakeAtMs) }),
  };
  if (itemBytesOf(head) + changes.byteLength + outputs.byteLength <= ITEM_BYTES_MAX) {
    const item = { ...head, ...bytesNamed("changes", changes), ...bytesNamed("outputs", outputs) };
    return { item, body: undefined };
  }
  const body = Buffer.concat([changes, outputs]);
  const item = { ...head, changesBytes: toNumber(changes.byteLength), bodyBytes: toNumber(body.byteLength) };
  return { item, body };
}

export function fromEntryItem(item: Item): StoredEntry {
  const entry = {
    sequenceNumber: fromNumber(item.seq),
    attemptId: item.attempt?.S ?? "",
    previousAttemptId: item.prev?.S ?? "",
    base: fromNumber(item.base),
    covered: fromNumber(item.covered ?? item.base),
    layout: fromNumber(item.layout),
    selfContained: item.whole?.BOOL === true,
    meta: metaOf(item),
    changes: item.changes?.B ?? new Uint8Array(0),
    outputs: item.outputs?.B ?? new Uint8Array(0),
    wakeAtMs: item.wakeAt === undefined ? null : fromNumber(item.wakeAt),
  };
  const body =
    item.bodyBytes === undefined
      ? undefined
      : { changesBytes: fromNumber(item.changesBytes), byteLength: fromNumber(item.bodyBytes) };
  return { entry, body };
}

/** The entry with its body, whose bytes are all there. */
export function withBody(entry: LogEntry, changesBytes: number, body: Uint8Array): LogEntry {
  return { ...entry, changes: body.slice(0, changesBytes), outputs: body.slice(changesBytes) };
}

/** What of an entry is read for a listing. */
export const HEAD_ATTRIBUTES = ["seq", "meta", "wakeAt", "size"];
export const SIZE_ATTRIBUTES = ["size"];

export function metaOf(item: Item): string {
  const { meta } = item;
  return meta?.B === undefined ? (meta?.S ?? "") : unpackMeta(meta.B);
}

/** What a chunk's item says of the blob that holds its bytes, beside their number. */
export type NamedBlob = { readonly attemptId: string; readonly kind: BlobStore["kind"] };

/** A chunk as it lies in its item: whole, or with its bytes in a blob. */
export type StoredChunk = {
  readonly chunk: Chunk;
  readonly blob: (NamedBlob & { readonly byteLength: number }) | undefined;
};

/** The item of a chunk; with `blob` one that only names it. */
export function toChunkItem(task: string, { range, asOf, bytes }: Chunk, blob: NamedBlob | undefined): Item {
  const key = chunkKey(task, range);
  return {
    pk: { S: key.pk },
    sk: { S: key.sk },
    asOf: toNumber(asOf),
    size: toNumber(bytes.byteLength),
    ...(blob === undefined ? bytesNamed("bytes", bytes) : { attempt: { S: blob.attemptId } }),
    ...(blob === undefined || blob.kind === "parts" ? {} : { store: { S: blob.kind } }),
  };
}

export function fromChunkItem(item: Item): StoredChunk {
  const chunk = {
    range: item.sk?.S ?? "",
    asOf: fromNumber(item.asOf),
    bytes: item.bytes?.B ?? new Uint8Array(0),
  };
  const attemptId = item.attempt?.S;
  if (attemptId === undefined) return { chunk, blob: undefined };
  const kind = (item.store?.S ?? "parts") as BlobStore["kind"];
  return { chunk, blob: { attemptId, kind, byteLength: fromNumber(item.size) } };
}

export function sizeOf(item: Item): number {
  return fromNumber(item.size);
}

/** The partition key that a name goes to, of SHARDS. */
function shardOf(name: string): number {
  let sum = 0;
  for (let i = 0; i < name.length; i += 1) sum = (sum * 31 + name.charCodeAt(i)) >>> 0;
  return sum % SHARDS;
}

/** An attempt id as a piece of a key: of one length, whatever it is made of. */
export function toKeyPiece(attemptId: string): string {
  return createHash("sha256").update(attemptId).digest("base64url").slice(0, 22);
}

/** With zeros in front, so that keys sort as numbers do. */
export function padded(number: number, digits: number): string {
  return String(number).padStart(digits, "0");
}

export function toNumber(number: number): AttributeValue {
  return { N: String(number) };
}

export function fromNumber(value: AttributeValue | undefined): number {
  return Number(value?.N ?? 0);
}

/** The bytes that DynamoDB counts for an item: names and values, by the documented rules, for the kinds of values we have. */
export function itemBytesOf(item: Item): number {
  let bytes = 0;
  for (const [name, { S, N, B }] of Object.entries(item)) {
    bytes += Buffer.byteLength(name);
    if (S !== undefined) bytes += Buffer.byteLength(S);
    else if (B !== undefined) bytes += B.byteLength;
    else if (N !== undefined) bytes += Math.ceil(N.replace(/^-?0*|\D|0*$/g, "").length / 2) + 1;
    else bytes += 1;
  }
  return bytes;
}

function bytesNamed(name: string, bytes: Uint8Array): Item {
  return bytes.byteLength === 0 ? {} : { [name]: { B: bytes } };
}
