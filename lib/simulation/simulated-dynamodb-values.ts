/** Values and items as the simulated DynamoDB keeps them: four kinds of values, checked and copied when they come in, never changed afterwards. */

import type { Item } from "../state-log/dynamodb-items.ts";
import { NotSimulatedError, toValidationError } from "./simulated-aws-errors.ts";
import { compareNumbers, numberBytesOf, toCanonicalNumber } from "./simulated-dynamodb-numbers.ts";

export type Value = Item[string];

/** An item as it is kept: frozen, but for the bytes, which nobody outside is given without a copy. */
export type StoredItem = {
  readonly item: Readonly<Item>;
  /** What DynamoDB counts for it. */
  readonly bytes: number;
  /** Names of the attributes that are bytes. */
  readonly binary: readonly string[];
};

export const ITEM_BYTES_LIMIT = 400 * 1024;

type Kind = "S" | "N" | "B" | "BOOL";

/** Takes an item in: whoever gave it may go on to change it. */
export function toStoredItem(item: Item): StoredItem {
  const stored: Item = {};
  const binary: string[] = [];
  let bytes = 0;
  for (const name in item) {
    const value = toStoredValue(item[name] as Value);
    stored[name] = value;
    if (value.B !== undefined) binary.push(name);
    bytes += textBytesOf(name) + valueBytesOf(value);
  }
  return { item: Object.freeze(stored), bytes, binary };
}

/** Gives an item out, with bytes that whoever gets them may change. */
export function fromStoredItem({ item, binary }: StoredItem): Item {
  if (binary.length === 0) return item;
  const copy = { ...item };
  for (const name of binary) copy[name] = { B: copyOf(item[name]!.B as Uint8Array) };
  return copy;
}

/** The attributes of that name that there are. */
export function pickFrom(stored: StoredItem, names: readonly string[]): Item {
  const picked: Item = {};
  for (const name of names) {
    const value = stored.item[name];
    if (value !== undefined) picked[name] = value.B === undefined ? value : { B: copyOf(value.B) };
  }
  return picked;
}

export function kindOf(value: Value): Kind {
  if (value.S !== undefined) return "S";
  if (value.N !== undefined) return "N";
  if (value.B !== undefined) return "B";
  return "BOOL";
}

/** Throws for what DynamoDB refuses, and for kinds that nobody here uses. */
export function toStoredValue(value: Value): Value {
  const kinds = Object.keys(value);
  if (kinds.length !== 1) throw toValidationError("Supplied AttributeValue has more than one datatypes set, or none");
  const { S, N, B, BOOL } = value;
  if (typeof S === "string") return Object.freeze({ S });
  if (typeof N === "string") return Object.freeze({ N: toCanonicalNumber(N) });
  if (B instanceof Uint8Array) return Object.freeze({ B: copyOf(B) });
  if (typeof BOOL === "boolean") return Object.freeze({ BOOL });
  throw new NotSimulatedError(`values of the kind ${kinds[0]}`);
}

/** Whether they are of one kind and equal. */
export function areEqual(a: Value, b: Value): boolean {
  if (a.S !== undefined) return a.S === b.S;
  if (a.N !== undefined) return b.N !== undefined && compareNumbers(a.N, b.N) === 0;
  if (a.B !== undefined) return b.B !== undefined && Buffer.compare(a.B, b.B) === 0;
  return a.BOOL === b.BOOL;
}

/** Negative, zero or positive; undefined for what has no order: other kinds, and truth values. */
export function compareValues(a: Value, b: Value): number | undefined {
  if (a.N !== undefined && b.N !== undefined) return compareNumbers(a.N, b.N);
  if (a.S !== undefined && b.S !== undefined) return compareTexts(a.S, b.S);
  if (a.B !== undefined && b.B !== undefined) return Buffer.compare(a.B, b.B);
  return undefined;
}

/** By the bytes of UTF-8, in which characters above U+FFFF come last; JavaScript compares by halves of them. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i += 1) {
    const difference = rankOf(a.charCodeAt(i)) - rankOf(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function textBytesOf(text: string): number {
  return Buffer.byteLength(text);
}

function valueBytesOf({ S, N, B }: Value): number {
  if (S !== undefined) return textBytesOf(S);
  if (N !== undefined) return numberBytesOf(N);
  return B === undefined ? 1 : B.byteLength;
}

/** Small arrays share a buffer, as those of the AWS SDK do: one of its own costs more than everything else about a read. */
const POOL_BYTES = 64 * 1024;
const POOLED_BYTES_MAX = 4 * 1024;
let pool = new ArrayBuffer(POOL_BYTES);
let poolUsed = 0;

function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.byteLength > POOLED_BYTES_MAX) return new Uint8Array(bytes);
  if (poolUsed + bytes.byteLength > POOL_BYTES) {
    pool = new ArrayBuffer(POOL_BYTES);
    poolUsed = 0;
  }
  const copy = new Uint8Array(pool, poolUsed, bytes.byteLength);
  copy.set(bytes);
  poolUsed += bytes.byteLength;
  return copy;
}

const SURROGATES_FROM = 0xd800;
const SURROGATES_TO = 0xe000;

function rankOf(code: number): number {
  if (code < SURROGATES_FROM) return code;
  return code < SURROGATES_TO ? code + 0x2000 : code - 0x800;
}
