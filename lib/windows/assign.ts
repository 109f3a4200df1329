/** Which windows an element belongs to, for windows of every kind. */

import { MillraceError } from "../stream/error.ts";
import type { GlobalWindow, TimeWindow, WindowAssignerSpec } from "../stream/window-spec.ts";
import { gapOf } from "./gap.ts";
import { windowStart } from "./tumbling.ts";

/** A window as the engine has it: the global one has no bounds. */
export type Span = { readonly startMs: number; readonly endMs: number };

/** More windows of one element are a mistake: each is an update of state. */
const WINDOWS_MAX = 10_000;

/** The global window. */
const EVERYTHING: Span = { startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };

/** Whether windows of a key that overlap or touch become one. */
export function isMerging(assigner: WindowAssignerSpec): boolean {
  return assigner.kind === "session" || (assigner.kind === "custom" && assigner.merging);
}

/** The windows of an element; for sliding windows the newest first. The function throws a MillraceError "author" for what an author's function should not return. */
export function assignerOf(spec: WindowAssignerSpec): (value: unknown, timeMs: number) => readonly Span[] {
  switch (spec.kind) {
    case "tumbling":
      return (_, timeMs) => {
        const startMs = windowStart(timeMs, spec.offset, spec.size);
        return [{ startMs, endMs: startMs + spec.size }];
      };
    case "sliding":
      return (_, timeMs) => {
        const spans: Span[] = [];
        const newest = windowStart(timeMs, spec.offset, spec.slide);
        for (let startMs = newest; startMs > timeMs - spec.size; startMs -= spec.slide)
          spans.push({ startMs, endMs: startMs + spec.size });
        return spans;
      };
    case "cumulative":
      return (_, timeMs) => {
        const spans: Span[] = [];
        const startMs = windowStart(timeMs, spec.offset, spec.size);
        const first = windowStart(timeMs, startMs, spec.step) + spec.step;
        for (let endMs = first; endMs <= startMs + spec.size; endMs += spec.step) spans.push({ startMs, endMs });
        return spans;
      };
    case "session": {
      const gapBehind = gapOf(spec);
      return (value, timeMs) => [{ startMs: timeMs, endMs: timeMs + gapBehind(value) }];
    }
    case "global":
      return () => [EVERYTHING];
    case "custom":
      return (value, timeMs) => checked(spec.assign(value, timeMs));
    default:
      return spec satisfies never;
  }
}

function checked(windows: unknown): readonly Span[] {
  if (!Array.isArray(windows) || windows.length > WINDOWS_MAX)
    throw new MillraceError(
      "author",
      `assign of customWindows returned no array of windows, or one of more than ${WINDOWS_MAX}.`,
    );
  return windows.map((window: unknown) => {
    const { startMs, endMs } = (window ?? {}) as TimeWindow;
    if (!Number.isSafeInteger(startMs) || !Number.isSafeInteger(endMs) || startMs >= endMs)
      throw new MillraceError(
        "author",
        `assign of customWindows returned a window from ${startMs} to ${endMs}; both are whole milliseconds, and startMs < endMs.`,
      );
    return { startMs, endMs };
  });
}

/** The name of a window, in state. */
export function nameOf({ startMs, endMs }: Span): string {
  return endMs === Number.POSITIVE_INFINITY ? "global" : `${startMs}/${endMs}`;
}

/** The window of a name. */
export function spanOf(name: string): Span {
  if (name === "global") return EVERYTHING;
  const slash = name.indexOf("/");
  return { startMs: Number(name.slice(0, slash)), endMs: Number(name.slice(slash + 1)) };
}

/** The window as authors see it. */
export function toWindow(span: Span): TimeWindow | GlobalWindow {
  return span.endMs === Number.POSITIVE_INFINITY ? { kind: "global" } : { startMs: span.startMs, endMs: span.endMs };
}
