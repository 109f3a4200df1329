/** Windows at random, and what says when they give results and of what: for the engine, and the same for the model. */

import fc from "fast-check";
import {
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  countEvictor,
  countTrigger,
  cumulative,
  customEvictor,
  customTrigger,
  customWindows,
  deltaEvictor,
  deltaTrigger,
  type Evictor,
  eventTimeTrigger,
  type GlobalWindow,
  globalWindow,
  milliseconds,
  processingTimeTrigger,
  purging,
  session,
  sliding,
  type TimeWindow,
  type Trigger,
  timeEvictor,
  tumbling,
  type WindowAssigner,
} from "millrace";
import {
  atEventTime,
  atProcessingTime,
  byDelta,
  continuouslyByTheClock,
  continuouslyInEventTime,
  everyNth,
  thenPurge,
  withEach,
} from "./model-triggers.ts";
import type { ModelSettings, ModelTrigger, Span, Timed } from "./window-model.ts";

export type Element = { readonly key: string; readonly n: number };

/** Windows, for the engine and for the model. */
export type Windows = {
  readonly name: string;
  readonly assigner: WindowAssigner<Element, TimeWindow | GlobalWindow>;
  readonly settings: Pick<ModelSettings, "assign" | "merging" | "time">;
  /** Some elements are in no window. */
  readonly hasGaps?: boolean;
};

const floor = (ms: number, size: number, offset: number) => Math.floor((ms - offset) / size) * size + offset;
const time = fc.constantFrom("event" as const, "processing" as const);
const gapOf = (n: number) => 1 + (n % 7);

export const tumblings = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: -3, max: 3 }), time)
  .map(([size, wish, time]): Windows => {
    const offset = wish % size;
    return {
      name: `tumbling(${size}, ${offset}, ${time})`,
      assigner: tumbling(milliseconds(size), { offset: milliseconds(offset), time }),
      settings: {
        time,
        merging: false,
        assign: ({ timestampMs }) => {
          const startMs = floor(timestampMs, size, offset);
          return [{ startMs, endMs: startMs + size }];
        },
      },
    };
  });

export const slidings = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 14 }), fc.integer({ min: -3, max: 3 }), time)
  .map(([size, slide, wish, time]): Windows => {
    const offset = wish % slide;
    return {
      hasGaps: slide > size,
      name: `sliding(${size}, ${slide}, ${offset}, ${time})`,
      assigner: sliding(milliseconds(size), milliseconds(slide), { offset: milliseconds(offset), time }),
      settings: {
        time,
        merging: false,
        assign: ({ timestampMs }) => {
          const spans: Span[] = [];
          for (let startMs = floor(timestampMs, slide, offset); startMs + size > timestampMs; startMs -= slide)
            spans.push({ startMs, endMs: startMs + size });
          return spans;
        },
      },
    };
  });

export const cumulatives = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: -3, max: 3 }), time)
  .map(([step, steps, wish, time]): Windows => {
    const size = step * steps;
    const offset = wish % size;
    return {
      name: `cumulative(${step}, ${size}, ${offset}, ${time})`,
      assigner: cumulative(milliseconds(step), milliseconds(size), { offset: milliseconds(offset), time }),
      settings: {
        time,
        merging: false,
        assign: ({ timestampMs }) => {
          const startMs = floor(timestampMs, size, offset);
          const ends = Array.from({ length: steps }, (_, i) => startMs + (i + 1) * step);
          return ends.filter((endMs) => endMs > timestampMs).map((endMs) => ({ startMs, endMs }));
        },
      },
    };
  });

export const sessions = fc.tuple(fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }), time).map(
  ([gap, time]): Windows => ({
    name: `session(${gap ?? "per element"}, ${time})`,
    assigner: session(gap === undefined ? ({ n }) => milliseconds(gapOf(n)) : milliseconds(gap), { time }),
    settings: {
      time,
      merging: true,
      assign: ({ value, timestampMs }) => [{ startMs: timestampMs, endMs: timestampMs + (gap ?? gapOf(value)) }],
    },
  }),
);

export const globals = fc.constant<Windows>({
  name: "global",
  assigner: globalWindow(),
  settings: {
    time: "none",
    merging: false,
    assign: () => [{ startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY }],
  },
});

/** By what is in the element: some are in no window, some in two. */
export const customs = fc.tuple(time, fc.boolean()).map(([time, merging]): Windows => {
  const assign = (n: number, timeMs: number) =>
    Array.from({ length: n % 3 }, (_, i) => ({ startMs: timeMs - i * 5, endMs: timeMs - i * 5 + 3 + (n % 4) }));
  return {
    name: `custom(${time}${merging ? ", merging" : ""})`,
    hasGaps: true,
    assigner: customWindows({ assign: ({ n }: Element, timeMs) => assign(n, timeMs), time, merging }),
    settings: { time, merging, assign: ({ value, timestampMs }) => assign(value, timestampMs) },
  };
});

/** When windows give results. */
export type When = {
  readonly name: string;
  readonly trigger?: Trigger<Element>;
  readonly emit?: "updates";
  readonly model: (time: ModelSettings["time"]) => ModelTrigger;
  readonly merges?: false;
};

const byDefault: When = { name: "by default", model: (time) => (time === "event" ? atEventTime : atProcessingTime) };

/** The author's own: fires with every `n`th element, and remembers in an object. */
const ownCount = (n: number) =>
  customTrigger<Element, { seen: number }>({
    state: () => ({ seen: 0 }),
    onElement(_, context) {
      const seen = context.state.seen + 1;
      context.state = { seen: seen % n };
      return seen === n ? "fire" : "continue";
    },
    onMerge(merged, context) {
      context.state = { seen: merged.reduce((sum, { seen }) => sum + seen, 0) };
    },
  });

/** As everyNth, but what merging brings beyond `n` does not fire before the next turn. */
const ownCountModel = (n: number): ModelTrigger => ({
  ...everyNth(n),
  onElement(_, { window }) {
    const seen = (window.memory ?? 0) + 1;
    window.memory = seen % n;
    return seen === n ? "fire" : "continue";
  },
});

const plainWhen = fc.oneof(
  fc.constant<When>({ name: "at event time", trigger: eventTimeTrigger(), model: () => atEventTime }),
  fc.constant<When>({ name: "at processing time", trigger: processingTimeTrigger(), model: () => atProcessingTime }),
  fc
    .integer({ min: 1, max: 4 })
    .map((n): When => ({ name: `count(${n})`, trigger: countTrigger(n), model: () => everyNth(n) })),
  fc
    .integer({ min: 1, max: 4 })
    .map((n): When => ({ name: `own count(${n})`, trigger: ownCount(n), model: () => ownCountModel(n) })),
  fc.integer({ min: 1, max: 9 }).map(
    (every): When => ({
      name: `continuous event time(${every})`,
      trigger: continuousEventTimeTrigger(milliseconds(every)),
      model: () => continuouslyInEventTime(every),
    }),
  ),
  fc.integer({ min: 1, max: 9 }).map(
    (every): When => ({
      name: `continuous processing time(${every})`,
      trigger: continuousProcessingTimeTrigger(milliseconds(every)),
      model: (time) => continuouslyByTheClock(every, time === "processing"),
    }),
  ),
  fc.integer({ min: 0, max: 3 }).map(
    (threshold): When => ({
      name: `delta(${threshold})`,
      trigger: deltaTrigger<Element>(threshold, (a, b) => Math.abs(a.n - b.n)),
      model: () => byDelta(threshold),
      merges: false,
    }),
  ),
);

/** Triggers; the default only where windows close. */
export const whens = (closes: boolean) =>
  fc.oneof(
    ...(closes ? [fc.constant(byDefault)] : []),
    fc.constant<When>({ name: "updates", emit: "updates", model: () => withEach }),
    plainWhen,
    plainWhen.map(
      (when): When => ({
        ...when,
        name: `purging ${when.name}`,
        trigger: purging(when.trigger as Trigger<Element>),
        model: (time) => thenPurge(when.model(time)),
      }),
    ),
  );

/** What is left out. */
export type Evicting = {
  readonly name: string;
  readonly evictor: Evictor<Element> | undefined;
  readonly model: ModelSettings["evict"];
};

/** An evictor that keeps what `keep` leaves, as the model has it. */
function evicting(
  name: string,
  when: "before" | "after",
  evictor: Evictor<Element>,
  keep: (elements: readonly Timed[]) => Timed[],
): Evicting {
  return {
    name: `${name} ${when}`,
    evictor,
    model: (elements) => {
      const kept = keep(elements);
      return { seen: when === "before" ? kept : [...elements], kept };
    },
  };
}

const side = fc.constantFrom("before" as const, "after" as const);

export const evictings = fc.oneof(
  fc.constant<Evicting>({ name: "none", evictor: undefined, model: undefined }),
  fc
    .tuple(fc.integer({ min: 1, max: 4 }), side)
    .map(([n, when]) =>
      evicting(`count(${n})`, when, countEvictor(n, { when }), (all) => all.slice(Math.max(0, all.length - n))),
    ),
  fc.tuple(fc.integer({ min: 1, max: 20 }), side).map(([length, when]) =>
    evicting(`time(${length})`, when, timeEvictor(milliseconds(length), { when }), (all) => {
      const newest = Math.max(...all.map(({ timestampMs }) => timestampMs));
      return all.filter(({ timestampMs }) => timestampMs > newest - length);
    }),
  ),
  fc.tuple(fc.integer({ min: 0, max: 4 }), side).map(([threshold, when]) =>
    evicting(
      `delta(${threshold})`,
      when,
      deltaEvictor<Element>(threshold, (element, last) => last.n - element.n, { when }),
      (all) => all.filter(({ value }) => (all.at(-1) as Timed).value - value < threshold),
    ),
  ),
  side.map((when) =>
    evicting(
      "of the author's own",
      when,
      customEvictor<Element>({
        [when]: (all: readonly { value: Element }[]) => all.filter(({ value }) => value.n % 2 === 0),
      }),
      (all) => all.filter(({ value }) => value % 2 === 0),
    ),
  ),
);
