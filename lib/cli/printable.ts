/** Values as text that is safe to show: what records contain must not move a terminal's cursor. */

import { isUtf8 } from "node:buffer";

// Control characters of both sets, and what reverses the direction of writing.
const UNSAFE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** The text, with escapes for what a terminal would obey. */
export function toPrintable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === "\t") return "\\t";
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** A value in one line: strings as they are, anything else as JSON. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return toPrintable(value);
  if (value instanceof Uint8Array) return showBytes(value);
  return toPrintable(JSON.stringify(value, toJsonValue) ?? String(value));
}

/** Bytes as text where they are text, else as base64. */
export function showBytes(bytes: Uint8Array): string {
  return isUtf8(bytes) ? toPrintable(Buffer.from(bytes).toString()) : `base64:${Buffer.from(bytes).toString("base64")}`;
}

/** A replacer for JSON.stringify: bigint as digits, bytes as text or base64. */
export function toJsonValue(this: unknown, name: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  // A Buffer has made something else of itself before it comes here.
  const bytes = (this as Readonly<Record<string, unknown>>)[name];
  if (bytes instanceof Uint8Array)
    return isUtf8(bytes) ? Buffer.from(bytes).toString() : { base64: Buffer.from(bytes).toString("base64") };
  return value;
}

/** UTC to the millisecond; an en dash for none. */
export function showTime(epochMs: number | null): string {
  if (epochMs === null || !Number.isFinite(epochMs)) return "–";
  const date = new Date(epochMs);
  if (Number.isNaN(date.getTime())) return String(epochMs);
  return date.toISOString().replace("T", " ").replace("Z", "");
}

/** 12,345 */
export function showCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** "1 record", "2 records" */
export function showPlural(count: number, one: string): string {
  return `${showCount(count)} ${one}${count === 1 ? "" : "s"}`;
}

/** 512 B, 1.5 KB, 2.0 MB */
export function showBytesSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const [size, unit] = bytes < 1_000_000 ? [bytes / 1_000, "KB"] : [bytes / 1_000_000, "MB"];
  return `${size.toFixed(size < 10 ? 1 : 0)} ${unit}`;
}

/** 250 ms, 4.2 s, 3 min, 5 h, 12 d; with a minus in front where it is negative. */
export function showDuration(ms: number): string {
  const size = Math.abs(ms);
  const sign = ms < 0 ? "−" : "";
  if (size < 1_000) return `${sign}${Math.round(size)} ms`;
  if (size < 10_000) return `${sign}${(size / 1_000).toFixed(1)} s`;
  if (size < 120_000) return `${sign}${Math.round(size / 1_000)} s`;
  if (size < 7_200_000) return `${sign}${Math.round(size / 60_000)} min`;
  if (size < 172_800_000) return `${sign}${Math.round(size / 3_600_000)} h`;
  return `${sign}${showCount(Math.round(size / 86_400_000))} d`;
}
