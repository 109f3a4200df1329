/**
 * Rows of tables: made of elements by the functions of a table, kept in commits, and ordered by who wrote them when.
 *
 * O2 for rows: a repeat is the same row under the same version. A row is only ever replaced by one of a higher version, so that puts may come in any order and
 * any number of times. Versions of one function are ordered by generation, the commit's clock, its number, and task: of one task that is the order of its commits, as its
 * clock never goes back. Generations of different functions say nothing to each other; there the clock decides alone.
 */

import type { AnyTable, KeyAttribute } from "../stream/dynamo-table.ts";
import { TTL_ATTRIBUTE, VERSION_ATTRIBUTE } from "../stream/dynamo-table.ts";
import { MillraceError } from "../stream/error.ts";
import { quote } from "../stream/sentence.ts";
import {
  type Attribute,
  type Attributes,
  attributeBytes,
  attributesBytes,
  toAttribute,
  toAttributes,
} from "./attributes.ts";

/** A row as a commit keeps it. */
export type Row = {
  /** The attributes of the key, that of the partition first. */
  readonly key: Attributes;
  /** All others; null where the row is deleted. */
  readonly attributes: Attributes | null;
  /** When it expires, epoch seconds; null: never. */
  readonly expiresAt: number | null;
};

/** Who wrote a row, and as of when. */
export type RowVersion = {
  /** `application/function`. */
  readonly writer: string;
  /** What is compared between commits of one writer. */
  readonly order: string;
  /** The commit's clock, epoch milliseconds: compared between writers. */
  readonly atMs: number;
};

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const ITEM_BYTES_MAX = 400 * 1024;
const PARTITION_KEY_BYTES_MAX = 2_048;
const SORT_KEY_BYTES_MAX = 1_024;
/** What a row has beside its own attributes: `millrace` and `ttl`, without the names of writer and task. */
const OWN_BYTES = 200;
/** How long a deleted row is remembered: until no put from before can come any more. */
const DELETED_SECONDS = 7 * 24 * 3_600;
/** A time to live before 2000 was meant to be something else. */
const EXPIRES_MS_MIN = Date.UTC(2000, 0, 1);

/** What a row counts for in DynamoDB, without what is kept beside its own attributes. */
export function rowBytes({ key, attributes }: Row): number {
  return attributesBytes(key) + attributesBytes(attributes ?? {});
}

/**
 * The row that a table's functions make of an element in a commit at `nowMs`. `task` is the full name of who writes it. Throws what the author's functions throw, and MillraceError "format" for a
 * row that DynamoDB would refuse.
 */
export function toRow(table: AnyTable, element: unknown, nowMs: number, task: string): Row {
  const { partitionKey, sortKey } = table;
  const wrong = (sentence: string) => new MillraceError("format", `Table ${quote(table.tableName)}: ${sentence}`);
  const toKey = (attribute: AnyTable["partitionKey"], what: string, bytesMax: number): Attribute => {
    const key = toKeyAttribute(attribute, attribute.value(element), what, wrong);
    const bytes = attributeBytes(key);
    if (bytes > bytesMax) throw wrong(`a ${what} of ${bytes} bytes is too long; DynamoDB takes ${bytesMax}.`);
    return key;
  };
  const key = {
    [partitionKey.name]: toKey(partitionKey, "partition key", PARTITION_KEY_BYTES_MAX),
    ...(sortKey !== undefined && { [sortKey.name]: toKey(sortKey, "sort key", SORT_KEY_BYTES_MAX) }),
  };
  const item = table.item(element) as unknown;
  if (item === null) return { key, attributes: null, expiresAt: Math.ceil(nowMs / 1_000) + DELETED_SECONDS };
  if (typeof item !== "object") throw wrong(`an item is an object or null, not ${typeof item}.`);
  const attributes = toOwnAttributes(item, key, wrong);
  if (attributes[TTL_ATTRIBUTE] !== undefined)
    throw wrong(
      `the item has an attribute "${TTL_ATTRIBUTE}", by which DynamoDB would delete it; use the table's ttl.`,
    );
  const bytes = attributesBytes(key) + attributesBytes(attributes) + OWN_BYTES + 2 * task.length;
  if (bytes > ITEM_BYTES_MAX) throw wrong(`an item of ${bytes} bytes is too large; DynamoDB takes ${ITEM_BYTES_MAX}.`);
  return { key, attributes, expiresAt: toExpiry(table, element, nowMs, wrong) };
}

type Wrong = (sentence: string) => MillraceError;

function toKeyAttribute({ name, type }: KeyAttribute, value: unknown, what: string, wrong: Wrong): Attribute {
  const is = value instanceof Uint8Array ? "binary" : typeof value === "bigint" ? "number" : typeof value;
  if (is !== type)
    throw wrong(
      `the ${what} ${quote(name)} is of type ${type}, and a value is ${value === null ? "null" : `a ${is}`}.`,
    );
  if (value === "" || (value as Uint8Array).byteLength === 0) throw wrong(`a ${what} is empty; DynamoDB takes none.`);
  return toAttribute(value, `the ${what}`);
}

/** The attributes beside the key. */
function toOwnAttributes(item: object, key: Attributes, wrong: Wrong): Attributes {
  const attributes = toAttributes(item, "the item");
  if (attributes[VERSION_ATTRIBUTE] !== undefined)
    throw wrong(`the item has an attribute ${quote(VERSION_ATTRIBUTE)}, which rows have for themselves.`);
  for (const [name, value] of Object.entries(key)) {
    const own = attributes[name];
    if (own !== undefined && JSON.stringify(own) !== JSON.stringify(value))
      throw wrong(`the item has an attribute ${quote(name)}, which is the key and says something else.`);
  }
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => key[name] === undefined));
}

function toExpiry({ ttl }: AnyTable, element: unknown, nowMs: number, wrong: Wrong): number | null {
  if (ttl === undefined) return null;
  if (typeof ttl === "number") return Math.ceil((nowMs + ttl) / 1_000);
  const atMs = ttl(element) as unknown;
  if (typeof atMs !== "number" || !(atMs >= EXPIRES_MS_MIN) || !Number.isSafeInteger(Math.ceil(atMs)))
    throw wrong(`a time to live ends at a time in epoch milliseconds, after 1999, not at ${String(atMs)}.`);
  return Math.ceil(atMs / 1_000);
}

/** The version of rows that commit `sequenceNumber` of a task writes, whose clock stands at `atMs`. `task`: `application/function/topic-partition/generation`. */
export function toVersion(task: string, sequenceNumber: number, atMs: number): RowVersion {
  const parts = task.split("/");
  const padded = (n: number | string) => String(n).padStart(16, "0");
  const order = `${padded(parts.at(-1) as string)}.${padded(atMs)}.${padded(sequenceNumber)}.${parts.at(-2)}`;
  return { writer: parts.slice(0, -2).join("/"), order, atMs };
}

/** Whether a row may take the place of one of version `held`. */
export function replaces(version: RowVersion, held: RowVersion | undefined): boolean {
  if (held === undefined) return true;
  return version.writer === held.writer ? version.order > held.order : version.atMs > held.atMs;
}

/** A text that is equal for equal keys. */
export function keyText(key: Attributes): string {
  return JSON.stringify(Object.values(key));
}
