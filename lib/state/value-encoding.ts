/**
 * Values in state and across shuffles, faithfully: JSON values as they are, and tagged where JSON would lose something (bigint,
 * Uint8Array, undefined, NaN, infinities, −0). Columns of plain values cost one walk and no copy.
 */

import { Buffer } from "node:buffer";
import { MillraceError } from "../stream/error.ts";

/** Deeper values are refused: they are cyclic or nearly so. */
const DEPTH_MAX = 64;

/** A tagged value is an object with this one property first; objects that have it themselves are tagged too. */
const TAG = "$m";

/**
 * A column of values as something JSON.stringify keeps: an array of them where all are plain, `{ t: […] }` with tagged ones where not.
 * Throws MillraceError "unstorable", naming the path, for functions, symbols, dates, maps, class instances and cycles.
 */
export function encodeColumn(values: readonly unknown[]): unknown {
  for (let i = 0; i < values.length; i++)
    if (!isPlain(values[i], 0)) return { t: values.map((value) => toTagged(value, "the element", 0)) };
  return values;
}

/** A column that is filled value by value, so that what cannot be kept is refused where it is pushed. */
export class ColumnBuilder {
  readonly #values: unknown[] = [];
  #tagged = false;

  /** Adds a value. Throws MillraceError "unstorable" and adds nothing for one that cannot be kept. */
  push(value: unknown): void {
    if (isPlain(value, 0)) this.#values.push(value);
    else {
      // A plain value is its own tagged form, so that those before need not be touched.
      this.#values.push(toTagged(value, "the element", 0));
      this.#tagged = true;
    }
  }

  get length(): number {
    return this.#values.length;
  }

  /** What encodeColumn would give for the values. */
  encode(): unknown {
    return this.#tagged ? { t: this.#values } : this.#values;
  }

  /** Two columns: the first `middle` values, and the rest. */
  halve(middle: number): [ColumnBuilder, ColumnBuilder] {
    return [this.#part(0, middle), this.#part(middle, this.length)];
  }

  #part(start: number, end: number): ColumnBuilder {
    const part = new ColumnBuilder();
    for (let i = start; i < end; i++) part.#values.push(this.#values[i]);
    part.#tagged = this.#tagged;
    return part;
  }
}

/** Throws MillraceError "unstorable", naming the path from `name`, for a value that cannot be kept in state `depth` levels below a cell. */
export function requireStorable(value: unknown, name: string, depth = 0): void {
  if (!isPlain(value, depth)) toTagged(value, name, depth);
}

/** One value as something JSON.stringify keeps: tagged where it must be. Throws as encodeColumn does. */
export function encodeValue(value: unknown): unknown {
  return isPlain(value, 0) ? value : toTagged(value, "the element", 0);
}

/** The reverse of encodeValue, after JSON.parse. */
export function decodeValue(encoded: unknown): unknown {
  return fromTagged(encoded);
}

/** The reverse of encodeColumn, after JSON.parse. */
export function decodeColumn(column: unknown): unknown[] {
  return Array.isArray(column) ? column : (column as { t: unknown[] }).t.map(fromTagged);
}

/** Whether JSON keeps a value as it is. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object": {
      if (value === null) return true;
      if (depth > DEPTH_MAX) return false;
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) if (!isPlain(value[i], depth + 1)) return false;
        return true;
      }
      const prototype = Object.getPrototypeOf(value) as unknown;
      if (prototype !== Object.prototype && prototype !== null) return false;
      for (const name in value) {
        if (name === TAG || name === "__proto__" || !isPlain((value as Record<string, unknown>)[name], depth + 1))
          return false;
      }
      return (value as { toJSON?: unknown }).toJSON === undefined;
    }
    default:
      return false;
  }
}

function toTagged(value: unknown, path: string, depth: number): unknown {
  if (depth > DEPTH_MAX) throw unstorable(path, "is nested too deeply, or in itself");
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { [TAG]: "number", v: Object.is(value, -0) ? "-0" : String(value) };
    case "bigint":
      return { [TAG]: "bigint", v: String(value) };
    case "undefined":
      return { [TAG]: "undefined" };
    case "object": {
      if (value === null) return null;
      if (value instanceof Uint8Array)
        return { [TAG]: "bytes", v: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
      // Not `map`, which leaves holes, of which JSON makes null.
      if (Array.isArray(value)) return Array.from(value, (item, i) => toTagged(item, `${path}[${i}]`, depth + 1));
      const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
      if (prototype !== Object.prototype && prototype !== null)
        throw unstorable(path, `is a ${prototype.constructor?.name ?? "class instance"}`);
      if (typeof (value as { toJSON?: unknown }).toJSON === "function") throw unstorable(path, "has a toJSON method");
      const entries = Object.entries(value).map(
        ([name, item]) => [name, toTagged(item, `${path}.${name}`, depth + 1)] as const,
      );
      return Object.hasOwn(value, TAG) || Object.hasOwn(value, "__proto__")
        ? { [TAG]: "object", v: entries }
        : Object.fromEntries(entries);
    }
    default:
      throw unstorable(path, `is a ${typeof value}`);
  }
}

function fromTagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(fromTagged);
  const tag = Object.hasOwn(value, TAG) ? ((value as Record<string, unknown>)[TAG] as string) : undefined;
  const tagged = (value as { v?: unknown }).v;
  switch (tag) {
    case undefined:
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fromTagged(item)]));
    case "number":
      return Number(tagged);
    case "bigint":
      return BigInt(tagged as string);
    case "undefined":
      return undefined;
    case "bytes":
      return new Uint8Array(Buffer.from(tagged as string, "base64"));
    case "object": {
      const object = {};
      for (const [name, item] of tagged as [string, unknown][])
        Object.defineProperty(object, name, {
          value: fromTagged(item),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      return object;
    }
    default:
      throw new MillraceError(
        "format",
        `State holds a value of the unknown kind "${tag}": it was written by a newer version.`,
      );
  }
}

function unstorable(path: string, what: string): MillraceError {
  return new MillraceError(
    "unstorable",
    `${path} ${what} and cannot cross a keyBy or be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds).`,
  );
}
