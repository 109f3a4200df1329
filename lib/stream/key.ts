/**
 * Keys, and the string that stands for a key in state, in shuffles and in key groups.
 *
 * 1. The encoding is injective: different keys have different strings (`1` and `"1"`, `["a", "b"]` and `"a,b"`); −0 is 0, NaN is itself.
 * 2. An ordinary string is its own encoding. Whatever else there is begins with U+0001.
 * 3. No encoding begins with U+0000, which stays free for those who store keys.
 * 4. Half of a surrogate pair stays as it is. JSON keeps it and UTF-8 does not, so encodings are stored and sent as JSON.
 */

import { MillraceError } from "./error.ts";

/** What a key is made of. */
export type KeyPart = string | number | bigint | boolean;

/** A key: one part, or a tuple of parts. */
export type Key = KeyPart | readonly KeyPart[];

const MARK = "\u0001";

/**
 * The string that stands for a key; `decodeKey` is its inverse. Throws a MillraceError "unstorable" for whatever is no key (undefined,
 * null, objects, nested tuples, functions). Callers handle null, which drops the element, before they come here.
 */
export function encodeKey(key: unknown): string {
  if (typeof key === "string") {
    if (key.charCodeAt(0) > 1) return key;
    return key === "" ? "" : `${MARK}s${key}`;
  }
  if (!Array.isArray(key)) return MARK + encodePart(key);
  let encoded = `${MARK}(`;
  for (const part of key) {
    // The length in front makes the end of a part independent of what is in it.
    const one = encodePart(part, "A key's tuple contains");
    encoded += `${one.length}:${one}`;
  }
  return encoded;
}

/** The key that a string stands for. Throws a MillraceError "state-broken" for what `encodeKey` never returns. */
export function decodeKey(encoded: string): Key {
  if (encoded.charCodeAt(0) !== 1) return encoded;
  if (encoded[1] !== "(") return decodePart(encoded.slice(1));
  const parts: KeyPart[] = [];
  for (let at = 2; at < encoded.length; ) {
    const colon = encoded.indexOf(":", at);
    const length = Number(encoded.slice(at, colon));
    if (colon <= at || !Number.isSafeInteger(length) || colon + length >= encoded.length) throw broken(encoded);
    at = colon + 1 + length;
    parts.push(decodePart(encoded.slice(colon + 1, at)));
  }
  return parts;
}

function encodePart(part: unknown, subject = "A key is"): string {
  switch (typeof part) {
    case "string":
      return `s${part}`;
    case "number":
      return `n${part}`;
    case "bigint":
      return `i${part}`;
    case "boolean":
      return part ? "t" : "f";
    default:
      throw new MillraceError(
        "unstorable",
        `${subject} ${describe(part)}; a key is a string, number, bigint or boolean, or a tuple of these, or null to drop the element.`,
      );
  }
}

function decodePart(encoded: string): KeyPart {
  const payload = encoded.slice(1);
  switch (encoded[0]) {
    case "s":
      return payload;
    case "n":
      return Number(payload);
    case "i":
      return BigInt(payload);
    case "t":
      return true;
    case "f":
      return false;
    default:
      throw broken(encoded);
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a tuple inside a tuple";
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object" ? `an object (${name})` : "an object";
}

function broken(encoded: string): MillraceError {
  return new MillraceError("state-broken", `${JSON.stringify(encoded)} is not an encoded key.`);
}
