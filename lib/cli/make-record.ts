/** Makes a record of a line, as the topic's declaration says. */

import { MillraceError } from "../stream/error.ts";
import type { Format } from "../stream/format.ts";
import type { AnyTopic } from "../stream/topic.ts";
import type { OutgoingRecord } from "../wire/outgoing-record.ts";

const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The record that a line stands for; with a separator, what is before its first occurrence is the key. Throws a MillraceError for a line that does not fit
 * the topic's formats.
 */
export function makeRecord(
  topic: AnyTopic,
  line: Uint8Array,
  options: { readonly keySeparator: string | undefined; readonly timestampMs: number },
): OutgoingRecord {
  const { keySeparator, timestampMs } = options;
  if (keySeparator === undefined) return { key: null, value: encodeValue(topic, line), timestampMs, headers: [] };
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  const at = bytes.indexOf(keySeparator);
  if (at < 0) throw new MillraceError("format", `It has no key: "${keySeparator}" is not in it.`);
  const value = bytes.subarray(at + Buffer.byteLength(keySeparator));
  const key = encodeWith(topic.keyFormat!, bytes.subarray(0, at));
  return { key, value: encodeValue(topic, value), timestampMs, headers: [] };
}

/** In a compacted topic the JSON `null` deletes the key. */
function encodeValue(topic: AnyTopic, bytes: Uint8Array): Uint8Array | null {
  const isDeletion =
    topic.compacted && topic.valueFormat.kind === "json" && Buffer.from(bytes).toString().trim() === "null";
  return isDeletion ? null : encodeWith(topic.valueFormat, bytes);
}

/** Text and bytes as they are typed; anything else as JSON. */
function encodeWith(format: Format<unknown, unknown>, bytes: Uint8Array): Uint8Array {
  if (format.kind === "bytes") return bytes;
  const text = decodeText(bytes);
  if (format.kind === "text") return format.encode(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const [reason = ""] = (cause as Error).message.split("\n");
    throw new MillraceError("format", `It is not JSON: ${reason.replace(/\.$/, "")}.`, { cause });
  }
  return format.encode(value);
}

function decodeText(bytes: Uint8Array): string {
  try {
    return strictText.decode(bytes);
  } catch (cause) {
    throw new MillraceError("format", "It is not valid UTF-8.", { cause });
  }
}
