/** Values as DynamoDB's attributes, as JSON can hold them: binary as base64. */

import { Buffer } from "node:buffer";
import { MillraceError } from "../stream/error.ts";

/** One value, tagged with its type. */
export type Attribute =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly L: readonly Attribute[] }
  | { readonly M: Attributes };

/** Attributes by name. */
export type Attributes = { readonly [name: string]: Attribute };

/** DynamoDB takes no deeper ones, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const DEPTH_MAX = 32;
/** Bounds of DynamoDB's numbers, and their significant digits. */
const NUMBER_MAX = 9.99e125;
const NUMBER_MIN = 1e-130;
const DIGITS_MAX = 38;
/** What lists and maps take beside what is in them, and each of their elements. */
const NESTED_BYTES = 3;
const ELEMENT_BYTES = 1;

/**
 * A value as an attribute. Throws MillraceError "format", naming the path from `path`, for what DynamoDB has no type or no room for: NaN and infinities, numbers of more than 38
 * digits, undefined in lists, functions, dates, class instances, more than 32 levels.
 */
export function toAttribute(value: unknown, path: string, depth = 0): Attribute {
  if (depth > DEPTH_MAX) throw unfit(path, `lies more than ${DEPTH_MAX} levels deep, or in itself`);
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw unfit(path, "holds half of a surrogate pair");
      return { S: value };
    case "boolean":
      return { BOOL: value };
    case "number":
      return { N: toNumber(value, path) };
    case "bigint":
      if (String(value).replace(/^-|0+$/g, "").length > DIGITS_MAX)
        throw unfit(path, `has more than ${DIGITS_MAX} digits`);
      return { N: String(value) };
    case "object": {
      if (value === null) return { NULL: true };
      if (value instanceof Uint8Array)
        return { B: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
      if (Array.isArray(value))
        return { L: Array.from(value, (item, i) => toAttribute(item, `${path}[${i}]`, depth + 1)) };
      return { M: toAttributes(value, path, depth + 1) };
    }
    default:
      throw unfit(path, `is ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}`);
  }
}

/** The properties of an object as attributes, but for those that are undefined. Throws as toAttribute does. */
export function toAttributes(object: object, path: string, depth = 0): Attributes {
  const prototype = Object.getPrototypeOf(object) as { constructor?: { name?: string } } | null;
  if (prototype !== Object.prototype && prototype !== null)
    throw unfit(path, `is a ${prototype.constructor?.name ?? "class instance"}`);
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]) => {
      if (value === undefined) return [];
      if (name === "" || !name.isWellFormed()) throw unfit(path, "has a property whose name is empty or no Unicode");
      return [[name, toAttribute(value, `${path}.${name}`, depth)] as const];
    }),
  );
}

/** The reverse of toAttribute. A whole number that a number cannot hold becomes a bigint. */
function fromAttribute(attribute: Attribute): unknown {
  if ("S" in attribute) return attribute.S;
  if ("BOOL" in attribute) return attribute.BOOL;
  if ("NULL" in attribute) return null;
  if ("B" in attribute) return new Uint8Array(Buffer.from(attribute.B, "base64"));
  if ("L" in attribute) return attribute.L.map(fromAttribute);
  if ("M" in attribute) return fromAttributes(attribute.M);
  const number = Number(attribute.N);
  return /^-?\d+$/.test(attribute.N) && !Number.isSafeInteger(number) ? BigInt(attribute.N) : number;
}

/** The reverse of toAttributes. */
export function fromAttributes(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, fromAttribute(value)]));
}

/** What an item counts for against DynamoDB's limit, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
export function attributesBytes(attributes: Attributes): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(attributes)) bytes += Buffer.byteLength(name) + attributeBytes(value);
  return bytes;
}

/** What one value counts for. */
export function attributeBytes(attribute: Attribute): number {
  if ("S" in attribute) return Buffer.byteLength(attribute.S);
  if ("B" in attribute) return Buffer.byteLength(attribute.B, "base64");
  if ("N" in attribute) return Math.ceil(attribute.N.replace(/^-?0*|\D|0*$/g, "").length / 2) + 2;
  if ("L" in attribute)
    return attribute.L.reduce((sum, item) => sum + ELEMENT_BYTES + attributeBytes(item), NESTED_BYTES);
  if ("M" in attribute)
    return attributesBytes(attribute.M) + NESTED_BYTES + ELEMENT_BYTES * Object.keys(attribute.M).length;
  return 1;
}

function toNumber(value: number, path: string): string {
  if (!Number.isFinite(value)) throw unfit(path, `is ${value}`);
  const size = Math.abs(value);
  if (size > NUMBER_MAX || (size > 0 && size < NUMBER_MIN)) throw unfit(path, `is ${value}, beyond its numbers`);
  return String(value);
}

function unfit(path: string, what: string): MillraceError {
  return new MillraceError(
    "format",
    `${path} ${what}, for which DynamoDB has no attribute; use strings, numbers, bigints, booleans, null, Uint8Array, and arrays and objects of these.`,
  );
}
