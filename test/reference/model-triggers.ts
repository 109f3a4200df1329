/** The triggers, as the rules have them, for the model of windows. */

import type { ModelTrigger, ModelView } from "./window-model.ts";

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
