/** What triggers do, with an element, at a time, when windows merge, and when a window goes. After Flink's triggers of the same names. */

import { toNumber } from "../stream/aggregators-numeric.ts";
import { MillraceError } from "../stream/error.ts";
import type { CustomTriggerSpec, TriggerResult, TriggerSpec } from "../stream/trigger.ts";
import type { WindowAssignerSpec } from "../stream/window-spec.ts";

/** What a trigger finds around it, of one window of one key. `state` is undefined where it remembers nothing. */
export interface TriggerScope {
  state: unknown;
  readonly maxTimestampMs: number;
  readonly timestampMs: number;
  readonly watermarkMs: number;
  readonly processingTimeMs: number;
  setEventTimer(timeMs: number): void;
  deleteEventTimer(timeMs: number): void;
  setProcessingTimer(timeMs: number): void;
  deleteProcessingTimer(timeMs: number): void;
}

export interface TriggerBehaviour {
  onElement(value: unknown, scope: TriggerScope): TriggerResult;
  onEventTime(timeMs: number, scope: TriggerScope): TriggerResult;
  onProcessingTime(timeMs: number, scope: TriggerScope): TriggerResult;
  /** `merged`: what it remembered of the windows that became the one of `scope`, in order of their time; undefined where it was nothing. */
  onMerge(merged: readonly unknown[], scope: TriggerScope): void;
  clear(scope: TriggerScope): void;
}

const goOn = (): TriggerResult => "continue";
const nothing = () => {};

/** The behaviour of a trigger, on windows that close by a time, or by none. */
export function behaviourOf(trigger: TriggerSpec, time: WindowAssignerSpec["time"]): TriggerBehaviour {
  switch (trigger.kind) {
    case "never":
      return { onElement: goOn, onEventTime: goOn, onProcessingTime: goOn, onMerge: nothing, clear: nothing };
    case "each":
      return { onElement: () => "fire", onEventTime: goOn, onProcessingTime: goOn, onMerge: nothing, clear: nothing };
    case "event-time":
      return EVENT_TIME;
    case "processing-time":
      return PROCESSING_TIME;
    case "count":
      return countsTo(trigger.n);
    case "continuous-event-time":
      return continuousInEventTime(trigger.every);
    case "continuous-processing-time":
      return continuousByTheClock(trigger.every, time);
    case "throttled":
      return throttled(trigger.every, trigger.time, time);
    case "delta":
      return {
        onElement(value, scope) {
          // In an array, as the element may be null.
          if (scope.state === undefined) scope.state = [value];
          else if (toNumber("deltaTrigger", trigger.delta((scope.state as [unknown])[0], value)) > trigger.threshold) {
            scope.state = [value];
            return "fire";
          }
          return "continue";
        },
        onEventTime: goOn,
        onProcessingTime: goOn,
        onMerge: nothing,
        clear: nothing,
      };
    case "purging": {
      const of = behaviourOf(trigger.of, time);
      const purge = (result: TriggerResult) => (result === "fire" ? "fire-and-purge" : result);
      return {
        ...of,
        onElement: (value, scope) => purge(of.onElement(value, scope)),
        onEventTime: (timeMs, scope) => purge(of.onEventTime(timeMs, scope)),
        onProcessingTime: (timeMs, scope) => purge(of.onProcessingTime(timeMs, scope)),
      };
    }
    case "custom":
      return ofAuthor(trigger);
    default:
      return trigger satisfies never;
  }
}

const EVENT_TIME: TriggerBehaviour = {
  onElement(_, scope) {
    if (scope.maxTimestampMs <= scope.watermarkMs) return "fire";
    scope.setEventTimer(scope.maxTimestampMs);
    return "continue";
  },
  onEventTime: (timeMs, scope) => (timeMs === scope.maxTimestampMs ? "fire" : "continue"),
  onProcessingTime: goOn,
  onMerge(_, scope) {
    if (scope.maxTimestampMs > scope.watermarkMs) scope.setEventTimer(scope.maxTimestampMs);
  },
  clear: (scope) => scope.deleteEventTimer(scope.maxTimestampMs),
};

const PROCESSING_TIME: TriggerBehaviour = {
  onElement(_, scope) {
    scope.setProcessingTimer(scope.maxTimestampMs);
    return "continue";
  },
  onEventTime: goOn,
  onProcessingTime: (timeMs, scope) => (timeMs === scope.maxTimestampMs ? "fire" : "continue"),
  onMerge: (_, scope) => scope.setProcessingTimer(scope.maxTimestampMs),
  clear: (scope) => scope.deleteProcessingTimer(scope.maxTimestampMs),
};

/** Remembers how many came since it fired. */
function countsTo(n: number): TriggerBehaviour {
  return {
    onElement(_, scope) {
      const count = ((scope.state as number | undefined) ?? 0) + 1;
      scope.state = count >= n ? undefined : count;
      return count >= n ? "fire" : "continue";
    },
    onEventTime: goOn,
    onProcessingTime: goOn,
    onMerge(merged, scope) {
      const sum = (merged as readonly (number | undefined)[]).reduce<number>((total, count) => total + (count ?? 0), 0);
      scope.state = sum === 0 ? undefined : sum;
    },
    clear: nothing,
  };
}

/** The first multiple of `every` after a time; before 1970 the second, as in Flink. */
function nextMultiple(timeMs: number, every: number): number {
  return timeMs - (timeMs % every) + every;
}

/** The earliest of what was remembered of merged windows. */
function earliest(merged: readonly unknown[]): number | undefined {
  const known = (merged as readonly (number | undefined)[]).filter((timeMs) => timeMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** Remembers when it fires next. */
function continuousInEventTime(every: number): TriggerBehaviour {
  const next = (afterMs: number, scope: TriggerScope) => {
    scope.state = Math.min(afterMs, scope.maxTimestampMs);
    scope.setEventTimer(scope.state as number);
  };
  return {
    onElement(_, scope) {
      if (scope.maxTimestampMs <= scope.watermarkMs) return "fire";
      if (scope.maxTimestampMs < Number.POSITIVE_INFINITY) scope.setEventTimer(scope.maxTimestampMs);
      if (scope.state === undefined) next(nextMultiple(scope.timestampMs, every), scope);
      return "continue";
    },
    onEventTime(timeMs, scope) {
      if (timeMs === scope.maxTimestampMs) return "fire";
      if (scope.state !== timeMs) return "continue";
      scope.state = undefined;
      // At the end of the input, what has no end would fire for ever.
      if (scope.maxTimestampMs < Number.POSITIVE_INFINITY || scope.watermarkMs < Number.POSITIVE_INFINITY)
        next(timeMs + every, scope);
      return "fire";
    },
    onProcessingTime: goOn,
    onMerge(merged, scope) {
      const nextMs = earliest(merged);
      if (scope.maxTimestampMs < Number.POSITIVE_INFINITY && scope.maxTimestampMs > scope.watermarkMs)
        scope.setEventTimer(scope.maxTimestampMs);
      if (nextMs !== undefined) next(nextMs, scope);
    },
    clear(scope) {
      scope.deleteEventTimer(scope.maxTimestampMs);
      if (scope.state !== undefined) scope.deleteEventTimer(scope.state as number);
    },
  };
}

/** Remembers when it fires next. */
function continuousByTheClock(every: number, time: WindowAssignerSpec["time"]): TriggerBehaviour {
  // What closes by the watermark is not to be cut short by a clock that is far ahead of it.
  const endOf = (scope: TriggerScope) => (time === "processing" ? scope.maxTimestampMs : Number.POSITIVE_INFINITY);
  const next = (afterMs: number, scope: TriggerScope) => {
    scope.state = Math.min(afterMs, endOf(scope));
    scope.setProcessingTimer(scope.state as number);
  };
  return {
    onElement(_, scope) {
      if (scope.state === undefined) next(nextMultiple(scope.processingTimeMs, every), scope);
      return "continue";
    },
    onEventTime: goOn,
    onProcessingTime(timeMs, scope) {
      if (scope.state !== timeMs) return "continue";
      scope.state = undefined;
      if (timeMs < endOf(scope)) next(timeMs + every, scope);
      return "fire";
    },
    onMerge(merged, scope) {
      const nextMs = earliest(merged);
      if (nextMs !== undefined) next(nextMs, scope);
    },
    clear(scope) {
      if (scope.state !== undefined) scope.deleteProcessingTimer(scope.state as number);
    },
  };
}

/** Remembers when it will tell of what is new; nothing where there is nothing new. */
function throttled(every: number, pace: "event" | "processing", time: WindowAssignerSpec["time"]): TriggerBehaviour {
  const isLate = (scope: TriggerScope) => time === "event" && scope.maxTimestampMs <= scope.watermarkMs;
  const wait = (timeMs: number, scope: TriggerScope) => {
    scope.state = pace === time ? Math.min(timeMs, scope.maxTimestampMs) : timeMs;
    if (pace === "event") scope.setEventTimer(scope.state as number);
    else scope.setProcessingTimer(scope.state as number);
    // By whichever time the window closes: the last word is said then.
    if (time === "event" && !isLate(scope)) scope.setEventTimer(scope.maxTimestampMs);
    if (time === "processing") scope.setProcessingTimer(scope.maxTimestampMs);
  };
  const forget = (scope: TriggerScope) => {
    if (scope.state === undefined) return;
    if (pace === "event") scope.deleteEventTimer(scope.state as number);
    else scope.deleteProcessingTimer(scope.state as number);
    scope.state = undefined;
  };
  const tell = (scope: TriggerScope): TriggerResult => {
    if (scope.state === undefined) return "continue";
    forget(scope);
    return "fire";
  };
  return {
    onElement(_, scope) {
      if (isLate(scope)) {
        forget(scope);
        return "fire";
      }
      if (scope.state === undefined)
        wait(nextMultiple(pace === "event" ? scope.timestampMs : scope.processingTimeMs, every), scope);
      return "continue";
    },
    onEventTime: (timeMs, scope) =>
      (pace === "event" && timeMs === scope.state) || (time === "event" && timeMs === scope.maxTimestampMs)
        ? tell(scope)
        : "continue",
    onProcessingTime: (timeMs, scope) =>
      (pace === "processing" && timeMs === scope.state) || (time === "processing" && timeMs === scope.maxTimestampMs)
        ? tell(scope)
        : "continue",
    onMerge(merged, scope) {
      const nextMs = earliest(merged);
      if (nextMs !== undefined) wait(nextMs, scope);
    },
    clear(scope) {
      forget(scope);
      if (time === "event") scope.deleteEventTimer(scope.maxTimestampMs);
      if (time === "processing") scope.deleteProcessingTimer(scope.maxTimestampMs);
    },
  };
}

const RESULTS: ReadonlySet<unknown> = new Set<TriggerResult>(["continue", "fire", "purge", "fire-and-purge"]);

function checked(result: unknown, name: string): TriggerResult {
  if (RESULTS.has(result)) return result as TriggerResult;
  throw new MillraceError(
    "author",
    `${name} of a custom trigger returned ${JSON.stringify(result) ?? String(result)}; it returns "continue", "fire", "purge" or "fire-and-purge".`,
  );
}

function ofAuthor({
  state,
  onElement,
  onEventTime,
  onProcessingTime,
  onMerge,
  clear,
}: CustomTriggerSpec): TriggerBehaviour {
  const begun = (scope: TriggerScope) => {
    if (scope.state === undefined) scope.state = state();
    return scope;
  };
  return {
    onElement: (value, scope) => checked(onElement(value, begun(scope)), "onElement"),
    onEventTime: (timeMs, scope) =>
      onEventTime === undefined ? "continue" : checked(onEventTime(timeMs, begun(scope)), "onEventTime"),
    onProcessingTime: (timeMs, scope) =>
      onProcessingTime === undefined ? "continue" : checked(onProcessingTime(timeMs, begun(scope)), "onProcessingTime"),
    onMerge(merged, scope) {
      onMerge?.(
        merged.map((one) => (one === undefined ? state() : one)),
        begun(scope),
      );
    },
    clear(scope) {
      clear?.(begun(scope));
    },
  };
}
