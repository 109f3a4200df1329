/**
 * What windows must do, as plainly as possible: every element is kept, every result is computed anew from all of them. One key at a time; written from the
 * rules, not from the engine.
 */

export type Span = { readonly startMs: number; readonly endMs: number };
export type Timed = { readonly value: number; readonly timestampMs: number };
export type Decision = "continue" | "fire" | "purge" | "fire-and-purge";

/** A window of a key: what is in it, what its trigger remembers, and the timers that are set. */
export type ModelWindow = {
  span: Span;
  elements: Timed[];
  memory: number | undefined;
  eventTimers: Set<number>;
  processingTimers: Set<number>;
};

/** What a trigger sees. */
export type ModelView = { readonly window: ModelWindow; readonly watermarkMs: number; readonly nowMs: number };

export type ModelTrigger = {
  onElement(element: Timed, view: ModelView): Decision;
  onEventTime(timeMs: number, view: ModelView): Decision;
  onProcessingTime(timeMs: number, view: ModelView): Decision;
  /** Two windows became one: what it remembers of them. */
  merge(a: number | undefined, b: number | undefined, view: ModelView): number | undefined;
};

export type ModelSettings = {
  readonly assign: (element: Timed) => readonly Span[];
  readonly merging: boolean;
  /** "none": windows without end, for which nothing is late. */
  readonly time: "event" | "processing" | "none";
  readonly latenessMs: number;
  readonly trigger: ModelTrigger;
  /** What is left of the elements when it fires: for the result, and afterwards. */
  readonly evict?: ((elements: readonly Timed[]) => { readonly seen: Timed[]; readonly kept: Timed[] }) | undefined;
};

export type ModelResult = { readonly key: string; readonly window: Span; readonly elements: readonly Timed[] };

export class WindowModel {
  readonly #settings: ModelSettings;
  readonly #windows = new Map<string, ModelWindow[]>();
  #watermarkMs = Number.NEGATIVE_INFINITY;
  #nowMs: number;
  /** Since the last `take`. */
  #results: ModelResult[] = [];
  #late: Timed[] = [];

  constructor(settings: ModelSettings, nowMs: number) {
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  take(): { results: ModelResult[]; late: Timed[] } {
    const taken = { results: this.#results, late: this.#late };
    this.#results = [];
    this.#late = [];
    return taken;
  }

  element(key: string, value: number, timestampMs: number): void {
    const { assign, time, latenessMs } = this.#settings;
    const element = { value, timestampMs };
    let taken = false;
    for (const span of assign(time === "processing" ? { value, timestampMs: this.#nowMs } : element))
      if (this.#take(key, span, [element])) taken = true;
    if (!taken && time === "event" && timestampMs + latenessMs <= this.#watermarkMs) this.#late.push(element);
  }

  /** Elements that come together, into sessions in event time: those whose own windows overlap or touch are put together before anything is asked of them. */
  together(elements: readonly (Timed & { readonly key: string })[]): void {
    type Group = { readonly key: string; readonly span: Span; readonly elements: Timed[] };
    let groups: Group[] = [];
    for (const { key, ...element } of elements) {
      const [span] = this.#settings.assign(element) as [Span];
      const meets = (group: Group) =>
        group.key === key && group.span.startMs <= span.endMs && span.startMs <= group.span.endMs;
      const met = groups.filter(meets);
      const whole = {
        startMs: Math.min(span.startMs, ...met.map((group) => group.span.startMs)),
        endMs: Math.max(span.endMs, ...met.map((group) => group.span.endMs)),
      };
      groups = groups.filter((group) => !meets(group));
      groups.push({ key, span: whole, elements: [...met.flatMap((group) => group.elements), element] });
    }
    for (const { key, span, elements } of groups) if (!this.#take(key, span, elements)) this.#late.push(...elements);
  }

  advanceWatermark(toMs: number): void {
    if (toMs <= this.#watermarkMs) return;
    this.#watermarkMs = toMs;
    this.#fire("eventTimers", toMs, (timeMs, view) => this.#settings.trigger.onEventTime(timeMs, view));
  }

  /** By the clock a time has passed a millisecond after it. */
  advanceClock(toMs: number): void {
    this.#nowMs = toMs;
    this.#fire("processingTimers", toMs - 1, (timeMs, view) => this.#settings.trigger.onProcessingTime(timeMs, view));
  }

  /** Puts elements into the window that has this span, or that merges with it. False: they are late for it. */
  #take(key: string, span: Span, elements: readonly Timed[]): boolean {
    const { merging, time, latenessMs, trigger } = this.#settings;
    const all = this.#windows.get(key) ?? [];
    const merged = merging
      ? all.filter((window) => window.span.startMs <= span.endMs && span.startMs <= window.span.endMs)
      : all.filter((window) => window.span.startMs === span.startMs && window.span.endMs === span.endMs);
    merged.sort((a, b) => a.span.startMs - b.span.startMs);
    const result: Span = {
      startMs: Math.min(span.startMs, ...merged.map((window) => window.span.startMs)),
      endMs: Math.max(span.endMs, ...merged.map((window) => window.span.endMs)),
    };
    if (time === "event" && result.endMs - 1 + latenessMs <= this.#watermarkMs) return false;
    const window = this.#merge(key, all, merged, result);
    window.elements.push(...elements);
    this.#act(key, window, trigger.onElement(elements.at(-1) as Timed, this.#view(window)));
    return true;
  }

  #merge(key: string, all: readonly ModelWindow[], merged: readonly ModelWindow[], span: Span): ModelWindow {
    const [only] = merged;
    if (
      only !== undefined &&
      merged.length === 1 &&
      only.span.startMs === span.startMs &&
      only.span.endMs === span.endMs
    )
      return only;
    const window: ModelWindow = {
      span,
      elements: merged.flatMap(({ elements }) => elements),
      memory: undefined,
      eventTimers: new Set(),
      processingTimers: new Set(),
    };
    for (const { memory } of merged)
      window.memory = this.#settings.trigger.merge(window.memory, memory, this.#view(window));
    this.#windows.set(key, [...all.filter((one) => !merged.includes(one)), window]);
    return window;
  }

  #fire(
    kind: "eventTimers" | "processingTimers",
    toMs: number,
    call: (timeMs: number, view: ModelView) => Decision,
  ): void {
    const { time } = this.#settings;
    const cleansBy = time === "event" ? "eventTimers" : "processingTimers";
    const due = (): { timeMs: number; key: string; window: ModelWindow }[] =>
      [...this.#windows].flatMap(([key, windows]) =>
        windows.flatMap((window) => {
          const times = [...window[kind]];
          if (time !== "none" && kind === cleansBy) times.push(this.#cleanUpMs(window));
          return times.filter((timeMs) => timeMs <= toMs).map((timeMs) => ({ timeMs, key, window }));
        }),
      );
    for (let list = due(); list.length > 0; list = due()) {
      const { timeMs, key, window } = list.reduce((a, b) => (b.timeMs < a.timeMs ? b : a));
      window[kind].delete(timeMs);
      this.#act(key, window, call(timeMs, this.#view(window)));
      if (time !== "none" && kind === cleansBy && timeMs === this.#cleanUpMs(window))
        this.#windows.set(
          key,
          (this.#windows.get(key) ?? []).filter((one) => one !== window),
        );
    }
  }

  #cleanUpMs({ span }: ModelWindow): number {
    return span.endMs - 1 + (this.#settings.time === "event" ? this.#settings.latenessMs : 0);
  }

  #act(key: string, window: ModelWindow, decision: Decision): void {
    if ((decision === "fire" || decision === "fire-and-purge") && window.elements.length > 0) {
      const { seen, kept } = this.#settings.evict?.(window.elements) ?? {
        seen: window.elements,
        kept: window.elements,
      };
      if (seen.length > 0) this.#results.push({ key, window: window.span, elements: [...seen] });
      window.elements = [...kept];
    }
    if (decision === "purge" || decision === "fire-and-purge") window.elements = [];
  }

  #view(window: ModelWindow): ModelView {
    return { window, watermarkMs: this.#watermarkMs, nowMs: this.#nowMs };
  }
}
