/** The triggers, as the rules have them, for the model of windows. */

import type { Decision, ModelTrigger, ModelView } from "./window-model.ts";

const lastMs = ({ window }: ModelView) => window.span.endMs - 1;
const goOn = () => "continue" as const;

export const atEventTime: ModelTrigger = {
  onElement(_, view) {
    if (lastMs(view) <= view.watermarkMs) return "fire";
    view.window.eventTimers.add(lastMs(view));
    return "continue";
  },
  onEventTime: (timeMs, view) => (timeMs === lastMs(view) ? "fire" : "continue"),
  onProcessingTime: goOn,
  merge(_a, _b, view) {
    if (lastMs(view) > view.watermarkMs) view.window.eventTimers.add(lastMs(view));
    return undefined;
  },
};

export const atProcessingTime: ModelTrigger = {
  onElement(_, view) {
    view.window.processingTimers.add(lastMs(view));
    return "continue";
  },
  onEventTime: goOn,
  onProcessingTime: (timeMs, view) => (timeMs === lastMs(view) ? "fire" : "continue"),
  merge(_a, _b, view) {
    view.window.processingTimers.add(lastMs(view));
    return undefined;
  },
};

/** Fires with every `n`th element. */
export function everyNth(n: number): ModelTrigger {
  return {
    onElement(_, { window }) {
      window.memory = (window.memory ?? 0) + 1;
      if (window.memory < n) return "continue";
      window.memory = 0;
      return "fire";
    },
    onEventTime: goOn,
    onProcessingTime: goOn,
    merge: (a = 0, b = 0) => a + b,
  };
}

/** Fires at multiples of `every` after an element, and at the end. */
export function continuouslyInEventTime(every: number): ModelTrigger {
  const set = (timeMs: number, view: ModelView) => {
    view.window.memory = Math.min(timeMs, lastMs(view));
    view.window.eventTimers.add(view.window.memory);
  };
  return {
    onElement({ timestampMs }, view) {
      if (lastMs(view) <= view.watermarkMs) return "fire";
      if (lastMs(view) < Number.POSITIVE_INFINITY) view.window.eventTimers.add(lastMs(view));
      if (view.window.memory === undefined) set(timestampMs - (timestampMs % every) + every, view);
      return "continue";
    },
    onEventTime(timeMs, view) {
      if (timeMs === lastMs(view)) return "fire";
      if (timeMs !== view.window.memory) return "continue";
      view.window.memory = undefined;
      if (lastMs(view) < Number.POSITIVE_INFINITY || view.watermarkMs < Number.POSITIVE_INFINITY)
        set(timeMs + every, view);
      return "fire";
    },
    onProcessingTime: goOn,
    merge(a, b, view) {
      if (lastMs(view) > view.watermarkMs && lastMs(view) < Number.POSITIVE_INFINITY)
        view.window.eventTimers.add(lastMs(view));
      const next = a === undefined ? b : b === undefined ? a : Math.min(a, b);
      if (next !== undefined) set(next, view);
      return next;
    },
  };
}

/** The same by the clock; windows that close by the watermark are not cut short by it. */
export function continuouslyByTheClock(every: number, closesByClock: boolean): ModelTrigger {
  const end = (view: ModelView) => (closesByClock ? lastMs(view) : Number.POSITIVE_INFINITY);
  const set = (timeMs: number, view: ModelView) => {
    view.window.memory = Math.min(timeMs, end(view));
    view.window.processingTimers.add(view.window.memory);
  };
  return {
    onElement(_, view) {
      if (view.window.memory === undefined) set(view.nowMs - (view.nowMs % every) + every, view);
      return "continue";
    },
    onEventTime: goOn,
    onProcessingTime(timeMs, view) {
      if (timeMs !== view.window.memory) return "continue";
      view.window.memory = undefined;
      if (timeMs < end(view)) set(timeMs + every, view);
      return "fire";
    },
    merge(a, b, view) {
      const next = a === undefined ? b : b === undefined ? a : Math.min(a, b);
      if (next !== undefined) set(next, view);
      return next;
    },
  };
}

/** Fires with every element, and at no other time. */
export const withEach: ModelTrigger = {
  onElement: () => "fire",
  onEventTime: goOn,
  onProcessingTime: goOn,
  merge: () => undefined,
};

/** Fires when an element is further than `threshold` from the one it last fired with. */
export function byDelta(threshold: number): ModelTrigger {
  return {
    onElement({ value }, { window }) {
      if (window.memory === undefined) window.memory = value;
      else if (Math.abs(value - window.memory) > threshold) {
        window.memory = value;
        return "fire";
      }
      return "continue";
    },
    onEventTime: goOn,
    onProcessingTime: goOn,
    merge: () => {
      throw new Error("Windows with a delta trigger do not merge.");
    },
  };
}

/** Purges whenever `trigger` fires. */
export function thenPurge(trigger: ModelTrigger): ModelTrigger {
  const purge = (decision: Decision): Decision => (decision === "fire" ? "fire-and-purge" : decision);
  return {
    ...trigger,
    onElement: (element, view) => purge(trigger.onElement(element, view)),
    onEventTime: (timeMs, view) => purge(trigger.onEventTime(timeMs, view)),
    onProcessingTime: (timeMs, view) => purge(trigger.onProcessingTime(timeMs, view)),
  };
}
