/** Formats: how values of a topic become bytes and come back. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { MillraceError } from "./error.ts";
import { encodeUtf8 } from "./utf8.ts";

/**
 * Turns values into bytes and back. `decode` and `encode` throw on what they refuse; the message becomes the reason of a dead letter.
 * `kind` lets the engine read a whole batch at once where it knows how ("json", "text", "bytes").
 */
export interface Format<in In, out Out = In> {
  readonly kind: string;
  /** A Standard Schema that decoded (and encoded) values must pass; only of kind "json". */
  readonly schema?: StandardSchemaV1;
  encode(value: In): Uint8Array;
  decode(bytes: Uint8Array): Out;
}

// A byte order mark is a character of a text, and nothing to JSON.
const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const strictJson = new TextDecoder("utf-8", { fatal: true });

/**
 * UTF-8 text. Refuses, with a MillraceError "format", bytes that are not valid UTF-8 and strings that cannot become UTF-8
 * (lone surrogates), so that what is read is always what was written.
 */
export function text(): Format<string> {
  return TEXT;
}

const TEXT: Format<string> = {
  kind: "text",
  encode(value) {
    if (typeof value !== "string") throw refused(`A text topic takes strings, not ${describe(value)}.`);
    if (!value.isWellFormed())
      throw refused("The text cannot be written as UTF-8: it contains half of a surrogate pair.");
    return encodeUtf8(value);
  },
  decode: (bytes) => decodeUtf8(strictText, bytes),
};

/** Bytes as they are. `decode` does not copy: the array may be a view into a larger one, and must not be changed. */
export function bytes(): Format<Uint8Array> {
  return BYTES;
}

const BYTES: Format<Uint8Array> = {
  kind: "bytes",
  encode(value) {
    if (!(value instanceof Uint8Array)) throw refused(`A topic of bytes takes Uint8Array, not ${describe(value)}.`);
    return value;
  },
  // A plain Uint8Array, never Node's Buffer, whose methods differ.
  decode: (value) =>
    value.constructor === Uint8Array ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
};

/**
 * JSON in UTF-8, checked by a Standard Schema (Zod, Valibot, ArkType, …) when it is read and when it is written. What is read is the schema's
 * output; what is written is the value itself, which must pass as the schema's input.
 *
 * Schemas must be synchronous. One that answers with a promise is refused with a MillraceError "definition": here where it can be
 * seen, else at the first value.
 */
export function json<S extends StandardSchemaV1>(
  schema: S,
): Format<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>>;
/**
 * JSON in UTF-8, unchecked: `T` is believed. As everywhere in JSON, NaN and infinities are written as null, and bigint is refused.
 */
export function json<T>(): Format<T>;
export function json(schema?: StandardSchemaV1): Format<unknown> {
  if (schema === undefined) return UNCHECKED_JSON;
  const standard = schema?.["~standard"];
  if (typeof standard?.validate !== "function")
    throw new MillraceError("definition", "json() takes a Standard Schema (Zod, Valibot, ArkType, …) or nothing.");
  if ((schema as { async?: unknown }).async === true) throw asynchronousSchema();
  return {
    kind: "json",
    schema,
    encode(value) {
      validate(schema, value);
      return encodeJson(value);
    },
    decode: (bytes) => validate(schema, decodeJson(bytes)),
  };
}

const UNCHECKED_JSON: Format<unknown> = { kind: "json", encode: encodeJson, decode: decodeJson };

/**
 * The value as the schema returns it. Throws a MillraceError "format" with what is wrong and where, and "definition" for an
 * asynchronous schema.
 */
export function validate(schema: StandardSchemaV1, value: unknown): unknown {
  const result = schema["~standard"].validate(value);
  if ("then" in result) {
    result.catch(() => {}); // Nobody will look at it, so its failure must not end the process.
    throw asynchronousSchema();
  }
  if (result.issues === undefined) return result.value;
  const [first, ...others] = result.issues.map(toSentence);
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  throw refused(`The value does not fit its schema: ${first ?? "it gives no reason"}${more}.`);
}

function toSentence(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  const message = issue.message.replace(/\s+/g, " ").replace(/\.$/, "");
  return path === "" ? message : `${path}: ${message}`;
}

function encodeJson(value: unknown): Uint8Array {
  let written: string | undefined;
  try {
    written = JSON.stringify(value);
  } catch (cause) {
    throw refused(`The value cannot be written as JSON: ${toMessage(cause)}.`, cause);
  }
  if (written === undefined) throw refused(`The value cannot be written as JSON: it is ${describe(value)}.`);
  return encodeUtf8(written);
}

function decodeJson(bytes: Uint8Array): unknown {
  const source = decodeUtf8(strictJson, bytes);
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw refused(`The bytes are not JSON: ${toMessage(cause)}.`, cause);
  }
}

function decodeUtf8(decoder: typeof strictText, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw refused("The bytes are not valid UTF-8.", cause);
  }
}

function toMessage(cause: unknown): string {
  // V8 adds pictures to some messages; the first line is the sentence.
  return (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0]!.replace(/\.$/, "");
}

function describe(value: unknown): string {
  return value === null ? "null" : value === undefined ? "undefined" : `a value of type ${typeof value}`;
}

function refused(sentence: string, cause?: unknown): MillraceError {
  return new MillraceError("format", sentence, cause === undefined ? undefined : { cause });
}

function asynchronousSchema(): MillraceError {
  return new MillraceError(
    "definition",
    "The schema of json() is asynchronous, and records are checked synchronously: take the asynchronous parts out of it.",
  );
}
