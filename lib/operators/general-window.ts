/**
 * Windows of every kind, with any trigger, with or without an evictor, with an aggregate or a function of all elements: what the faster steps leave.
 * After Flink's WindowOperator and EvictingWindowOperator.
 *
 * Each window of a key has contents, what its trigger remembers, and timers: those of its trigger, and one for its clean-up. Where windows merge,
 * MergingWindows knows them.
 */

import { encodeKey, type Key } from "../stream/key.ts";
import type { WindowNode } from "../stream/node.ts";
import type { TriggerResult, TriggerSpec } from "../stream/trigger.ts";
import type { WindowAssignerSpec } from "../stream/window-spec.ts";
import { assignerOf, isMerging, nameOf, type Span, spanOf, toWindow } from "../windows/assign.ts";
import { evict } from "../windows/evictors.ts";
import { behaviourOf } from "../windows/triggers.ts";
import { MergingWindows } from "./merging-windows.ts";
import type { Step, StepSetup } from "./step.ts";
import { Timers } from "./timers.ts";
import { accumulatedContents, type ElementContents, elementContents, type KeptElements } from "./window-contents.ts";
import { WindowFunction } from "./window-function.ts";
import { keyOfWindows, windowResults } from "./window-results.ts";
import { WindowTrigger } from "./window-trigger.ts";

/** What it takes to make a result again, or to call a trigger that failed. */
type Refired =
  | { readonly contents: unknown; readonly timestampMs: number }
  | { readonly timer: "event" | "processing"; readonly timeMs: number };

export function generalWindowStep(node: WindowNode, setup: StepSetup): Step {
  const {
    table,
    tables,
    time,
    counts,
    guard,
    isFull,
    call,
    out,
    late: [late],
  } = setup;
  const { assigner, aggregator, evictor } = node;
  const inEventTime = assigner.time === "event";
  const lateness = inEventTime ? node.allowedLateness : 0;
  const windowsOf = assignerOf(assigner);
  const merging = isMerging(assigner) ? new MergingWindows(tables("windows")) : undefined;
  const elements: ElementContents | undefined =
    aggregator === undefined || evictor !== undefined ? elementContents(table, tables("elements")) : undefined;
  const contents = elements ?? accumulatedContents(table, aggregator as NonNullable<typeof aggregator>);
  const author = node.process === undefined ? undefined : new WindowFunction(node.process, setup);
  const assigning = assigner.kind === "session" ? "window (gap)" : "window (assign)";
  const handOn = windowResults(node, out, author);
  const keyOf = keyOfWindows(node);
  /** The watermark that this step was last told of. */
  let toldMs = time.watermarkMs;
  /** Timers in event time are left that were due then. */
  let isFiring = false;
  const eventTimers = new Timers(tables, "event");
  const processingTimers = new Timers(tables, "processing");

  /** When a window is forgotten; undefined for never. */
  const cleanUpMs = ({ endMs }: Span) => (endMs === Number.POSITIVE_INFINITY ? undefined : endMs - 1 + lateness);
  const cleanUpTimers = inEventTime ? eventTimers : processingTimers;
  const trigger = new WindowTrigger({
    behaviour: behaviourOf(node.trigger ?? defaultTrigger(assigner), assigner.time),
    memory: tables("trigger"),
    eventTimers,
    processingTimers,
    time: {
      get watermarkMs() {
        return toldMs;
      },
      get nowMs() {
        return time.nowMs;
      },
    },
    ownEventTimer: (span) => (inEventTime ? cleanUpMs(span) : undefined),
    ownProcessingTimer: (span) => (inEventTime ? undefined : cleanUpMs(span)),
  });

  /** The timestamp of a window's result: its last; of the global one, which has none, that of what made it fire, or the clock's at the end of the input. */
  const resultMs = ({ endMs }: Span, atMs: number) => {
    if (endMs < Number.POSITIVE_INFINITY) return endMs - 1;
    return atMs < Number.POSITIVE_INFINITY ? atMs : time.nowMs;
  };
  const isLate = (span: Span) => inEventTime && (cleanUpMs(span) as number) <= toldMs;
  /** Under which name the contents of a window lie, if it still is there; a timer of its clean-up may be firing. */
  const contentsName = (span: Span, key: string, cleansUp: boolean) => {
    if (merging !== undefined) return merging.contentsOf(key, span);
    const atMs = cleanUpMs(span);
    const name = nameOf(span);
    return cleansUp || atMs === undefined || cleanUpTimers.has(name, key, atMs) ? name : undefined;
  };

  /** What a window would give now, without the elements that an evictor takes; undefined for nothing. */
  const emit = (span: Span, name: string, key: string, timestampMs: number, at: string) => {
    const all = contents.get(name, key);
    if (all === undefined) return;
    const context = { window: toWindow(span), watermarkMs: toldMs, processingTimeMs: time.nowMs };
    let kept = all;
    guard(
      () => `window ${nameOf(span)} of key ${JSON.stringify(key)} ${at}`,
      () => {
        call.step = "window";
        if (evictor === undefined) handOn(span, key, all, timestampMs);
        else {
          call.step = "evictor";
          const seen = evict(evictor, "before", all as KeptElements, context);
          call.step = "window";
          if (seen.length > 0) handOn(span, key, seen, timestampMs);
          call.step = "evictor";
          kept = evict(evictor, "after", seen, context);
        }
      },
      () => ({
        shown: { key: keyOf(key), window: toWindow(span) },
        namespace: nameOf(span),
        key,
        accumulator: { contents: all, timestampMs } satisfies Refired,
      }),
    );
    if (kept !== all) (contents as ElementContents).replace(name, key, kept as KeptElements);
  };

  const act = (result: TriggerResult, span: Span, name: string, key: string, timestampMs: number, at: string) => {
    if (result === "fire" || result === "fire-and-purge") emit(span, name, key, timestampMs, at);
    if (result === "purge" || result === "fire-and-purge") contents.clear(name, key);
  };

  /** Puts a window among those of its key; says which it has become, and under which name its contents lie. undefined: it is late. */
  const place = (span: Span, key: string, timestampMs: number): { span: Span; name: string } | undefined => {
    if (merging === undefined) return isLate(span) ? undefined : { span, name: nameOf(span) };
    const placed = merging.place(key, span);
    if (isLate(placed.span)) return undefined;
    merging.add(key, placed);
    if (placed.merged.length > 0) {
      call.step = "trigger";
      trigger.at(placed.span, key, timestampMs).onMerge(placed.merged.map((one) => one.span));
      for (const { span: gone, contents: from } of placed.merged) {
        trigger.at(gone, key, timestampMs).clear();
        cleanUpTimers.delete(nameOf(gone), key, cleanUpMs(gone) as number);
        if (from !== undefined) contents.merge(placed.contents, from, key);
      }
    }
    return { span: placed.span, name: placed.contents };
  };

  const element = (value: unknown, key: unknown, elementMs: number) => {
    call.reachedState = true;
    call.step = assigning;
    const spans = windowsOf(value, assigner.time === "processing" ? time.nowMs : elementMs);
    const encoded = encodeKey(key as Key);
    let taken = false;
    for (const own of spans) {
      call.step = "window";
      const placed = place(own, encoded, elementMs);
      if (placed === undefined) continue;
      taken = true;
      const { span, name } = placed;
      call.step = "window";
      contents.add(name, encoded, value, elementMs);
      call.step = "trigger";
      const result = trigger.at(span, encoded, elementMs).onElement(value);
      act(result, span, name, encoded, resultMs(span, elementMs), "with an element");
      const atMs = cleanUpMs(span);
      if (atMs !== undefined) cleanUpTimers.set(nameOf(span), encoded, atMs);
    }
    if (!taken && inEventTime && elementMs + lateness <= toldMs) {
      counts.late++;
      late?.(value, node.all ? null : key, elementMs);
    }
  };

  const onTimer = (timer: "event" | "processing", span: Span, key: string, timeMs: number, nth: number) => {
    const cleansUp = timeMs === cleanUpMs(span) && (timer === "event") === inEventTime;
    const name = contentsName(span, key, cleansUp);
    // A timer of a window that has become another one since, or is gone.
    if (name === undefined) return;
    const at = `at ${timeMs} in ${timer} time${nth > 0 ? ` for the ${nth}. time` : ""}`;
    const refire = () => ({
      shown: { key: keyOf(key), window: toWindow(span), timeMs },
      namespace: nameOf(span),
      key,
      accumulator: { timer, timeMs } satisfies Refired,
    });
    let result: TriggerResult = "continue";
    guard(
      () => `trigger of window ${nameOf(span)} of key ${JSON.stringify(key)} ${at}`,
      () => {
        call.step = "trigger";
        trigger.at(span, key, timeMs);
        result = timer === "event" ? trigger.onEventTime(timeMs) : trigger.onProcessingTime(timeMs);
      },
      refire,
    );
    act(result, span, name, key, resultMs(span, timeMs), at);
    if (!cleansUp) return;
    // The trigger comes first, then the end.
    counts.windowsClosed++;
    contents.clear(name, key);
    merging?.remove(key, span);
    guard(
      () => `end of the trigger of window ${nameOf(span)} of key ${JSON.stringify(key)}`,
      () => {
        call.step = "trigger";
        trigger.at(span, key, timeMs).clear();
      },
      refire,
    );
    trigger.at(span, key, timeMs).forget();
    if (author === undefined) return;
    const one = { span, encoded: key, key: keyOf(key) };
    guard(
      () => `end of window ${nameOf(span)} of key ${JSON.stringify(key)}`,
      () => {
        call.step = "window (clear)";
        author.clear(one, resultMs(span, timeMs));
      },
      refire,
    );
    author.drop(one);
  };

  return {
    inputs: [element],

    advance() {
      author?.sweep();
      if (time.watermarkMs !== toldMs || isFiring) {
        toldMs = time.watermarkMs;
        isFiring = eventTimers.advance(
          toldMs,
          (name, key, timeMs, nth) => onTimer("event", spanOf(name as string), key, timeMs, nth),
          isFull,
        );
        if (isFiring) return true;
      }
      return processingTimers.advance(
        time.nowMs - 1,
        (name, key, timeMs, nth) => onTimer("processing", spanOf(name as string), key, timeMs, nth),
        isFull,
      );
    },

    fireAgain(name, key, refired) {
      const span = spanOf(name as string);
      if ("contents" in (refired as Refired)) {
        const { contents: all, timestampMs } = refired as Extract<Refired, { contents: unknown }>;
        const context = { window: toWindow(span), watermarkMs: toldMs, processingTimeMs: time.nowMs };
        call.step = evictor === undefined ? "window" : "evictor";
        const seen = evictor === undefined ? all : evict(evictor, "before", all as KeptElements, context);
        call.step = "window";
        handOn(span, key, seen, timestampMs);
        // Nobody will forget again what a window has that is forgotten.
        if (contentsName(span, key, false) === undefined) author?.drop({ span, encoded: key, key: keyOf(key) });
        return;
      }
      const { timer, timeMs } = refired as Extract<Refired, { timer: unknown }>;
      const contentsAt = contentsName(span, key, false);
      if (contentsAt === undefined || contents.get(contentsAt, key) === undefined) return;
      trigger.at(span, key, timeMs);
      const result = timer === "event" ? trigger.onEventTime(timeMs) : trigger.onProcessingTime(timeMs);
      act(result, span, contentsAt, key, resultMs(span, timeMs), "again");
    },

    nextEventTimeMs: () => eventTimers.nextMs(),
    nextProcessingTimeMs: () =>
      Math.min(processingTimers.nextMs() + 1, author?.nextSweepMs() ?? Number.POSITIVE_INFINITY),
  };
}

function defaultTrigger({ time }: WindowAssignerSpec): TriggerSpec {
  if (time === "none") return { kind: "never" };
  return { kind: time === "event" ? "event-time" : "processing-time" };
}
