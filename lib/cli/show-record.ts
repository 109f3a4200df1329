/** A record of any topic for people, and as JSON for programs: declared topics by their formats, shuffles by element, dead letters with their reason. */

import { spanOf } from "../operators/partials.ts";
import { decodeKey } from "../stream/key.ts";
import type { TopicPlan } from "../stream/plan.ts";
import type { AnyTopic } from "../stream/topic.ts";
import { type Bundle, decodeBundle } from "../wire/bundle.ts";
import { decodePrepared, decodeRelease, isPrepared, type Release } from "../wire/sent-ahead.ts";
import { showBytes, showPlural, showTime, showValue, toJsonValue } from "./printable.ts";
import type { ReadRecord } from "./read-records.ts";

/** What is known of a topic; undefined for one that the application does not know. */
type Shape = Pick<TopicPlan, "kind" | "declared"> | undefined;

/** One line, or several for a shuffle's bundle. */
export function showRecord(record: ReadRecord, shape: Shape): string {
  const head = `${record.partition}:${record.offset}`.padEnd(9);
  const time = showTime(record.timestampMs < 0 ? null : record.timestampMs);
  if (shape?.kind === "shuffle") return showBundle(head, record);
  const key = decodeWith(shape?.declared?.keyFormat, record.key);
  const value = decodeWith(shape?.declared?.valueFormat, record.value);
  const problem = value.problem === undefined ? "" : `  (${value.problem})`;
  const reason = shape?.kind === "dead-letter" ? `  (${textOf(record, "millrace-reason") ?? "no reason"})` : "";
  return `${head} ${time}  ${showValue(key.value)}  ${showValue(value.value)}${problem}${reason}`;
}

/** The same as one line of JSON. */
export function toJsonLine(record: ReadRecord, shape: Shape): string {
  const { partition, offset, timestampMs } = record;
  const position = { partition, offset, timestampMs };
  if (shape?.kind === "shuffle") {
    const found = tryDecode(record);
    return JSON.stringify({ ...position, ...(typeof found === "string" ? { problem: found } : found) }, toJsonValue);
  }
  const key = decodeWith(shape?.declared?.keyFormat, record.key);
  const value = decodeWith(shape?.declared?.valueFormat, record.value);
  const problem = value.problem ?? key.problem;
  return JSON.stringify(
    {
      ...position,
      key: key.value,
      value: value.value,
      headers: Object.fromEntries(record.headers.map(([name, bytes]) => [name, bytes])),
      ...(problem === undefined ? {} : { problem }),
    },
    toJsonValue,
  );
}

type Decoded = { readonly value: unknown; readonly problem: string | undefined };

function decodeWith(format: AnyTopic["valueFormat"] | undefined, bytes: Uint8Array | null): Decoded {
  if (bytes === null) return { value: null, problem: undefined };
  if (format === undefined) return { value: bytes, problem: undefined };
  try {
    return { value: format.decode(bytes), problem: undefined };
  } catch (error) {
    return { value: bytes, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** A header's text. */
function textOf({ headers }: ReadRecord, name: string): string | undefined {
  const header = headers.find(([other]) => other === name);
  return header === undefined ? undefined : showBytes(header[1]);
}

type OfShuffle = Bundle | (Bundle & { readonly sentAheadBy: string }) | { readonly release: Release };

function tryDecode({ value }: ReadRecord): OfShuffle | string {
  try {
    if (value === null) return "no bundle: it has no value";
    if (isPrepared(value)) {
      const { attemptId, bundle } = decodePrepared(value);
      return { sentAheadBy: attemptId, ...decodeBundle(bundle) };
    }
    const release = decodeRelease(value);
    return release === undefined ? decodeBundle(value) : { release };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function showBundle(head: string, record: ReadRecord): string {
  const found = tryDecode(record);
  if (typeof found === "string") return `${head} ${found}`;
  if ("release" in found) {
    const { task, number, offset, attemptId } = found.release;
    return `${head} release of bundle ${number} of ${task} at offset ${offset}, sent ahead by ${attemptId}`;
  }
  const ahead = "sentAheadBy" in found ? `, sent ahead by ${found.sentAheadBy}: it counts when it is released` : "";
  const elements = found.columns.flatMap(showColumns);
  const rest =
    elements.length === 0 ? (found.idle ? "idle" : "watermark only") : showPlural(elements.length, "element");
  const { task, number, watermarkMs } = found;
  return [`${head} bundle ${number} of ${task}, watermark ${showTime(watermarkMs)}, ${rest}${ahead}`, ...elements].join(
    "\n",
  );
}

/** Each element, or partial result, as an indented line. */
function showColumns(columns: Bundle["columns"][number]): string[] {
  if (columns.kind === "elements") {
    const { keys, timestampsMs, values } = columns;
    return keys.map((key, i) => `    ${showTime(timestampsMs[i]!)}  ${showKey(key)}  ${showValue(values[i])}`);
  }
  return columns.windows.flatMap((window) =>
    window.keys.map(
      (key, i) =>
        `    ${showSpan(spanOf(window, i))}  ${showKey(key)}  ${showValue(window.accumulators[i])} of ${showPlural(window.elements[i]!, "element")}`,
    ),
  );
}

function showSpan({ startMs, endMs }: ReturnType<typeof spanOf>): string {
  return endMs === undefined ? `window ${showTime(startMs)}` : `session ${showTime(startMs)} to ${showTime(endMs)}`;
}

/** A key as it is encoded in state and shuffles. */
function showKey(encoded: string): string {
  const key = decodeKey(encoded);
  return typeof key === "string" ? showValue(key) : showValue(typeof key === "bigint" ? `${key}n` : key);
}
