/**
 * What a pattern finds, by definition and without an automaton: of the whole sequence of a key in order of time, every way to take elements for stages is written down as a path, and
 * it is looked up in the sequence whether what lies between may lie there. Slow, and plain.
 */

import { fits, type Letter, type PatternText, type StageText } from "../operators/pattern-notation.ts";

/** An element of a key; `id` says in which order they were sent. */
export type ModelElement = Letter & { readonly id: number };

export type ModelResult = {
  readonly kind: "match" | "timedOut";
  /** `stage:id` of each. */
  readonly elements: string;
  readonly timestampMs: number;
};

/** A stage and the index of the element that is taken for it. */
type Taken = { readonly stage: number; readonly at: number };
type Path = readonly Taken[];

/** What a path may wait for. */
type Target = {
  /** "pending": that the time is over. "end": any element at all. */
  readonly stage: number | "pending" | "end";
  readonly isFirst: boolean;
  /** What the very next element must not be. */
  readonly notNext: readonly number[];
  /** The greedy stage that would be over, and whether a notNext stands behind it: then it has its say about the very next element only. */
  readonly greedy: { readonly stage: number; readonly onlyNext: boolean } | undefined;
};

export class PatternModel {
  readonly #text: PatternText;
  readonly #stages: readonly StageText[];
  /** Conditions ask for an id above all that were taken. */
  readonly #rising: boolean;
  readonly #all: readonly ModelElement[];

  constructor(text: PatternText, rising: boolean, sorted: readonly ModelElement[]) {
    this.#text = text;
    this.#stages = text.stages;
    this.#rising = rising;
    this.#all = sorted;
  }

  /** All results up to a watermark, in order. */
  results(watermarkMs: number): readonly ModelResult[] {
    const { withinMs } = this.#text;
    const results: ModelResult[] = [];
    let live: readonly Path[] = [];
    let waiting: readonly Path[] = [];

    const letGo = (complete: readonly Path[], timestampMs: number) => {
      if (this.#text.skip === "none") {
        for (const path of complete) results.push(this.#result("match", path, timestampMs));
        return;
      }
      waiting = [...waiting, ...complete].sort((a, b) => startOf(a) - startOf(b));
      for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
        const before = startOf(first);
        if (live.some((path) => startOf(path) < before)) return;
        results.push(this.#result("match", first, timestampMs));
        const stays = this.#fromWhere(first);
        waiting = waiting.slice(1).filter((path) => startOf(path) >= stays);
        live = live.filter((path) => startOf(path) >= stays);
      }
    };

    const expire = (toMs: number, next: number) => {
      if (withinMs === undefined) return;
      const deadlineOf = (path: Path) => this.#at(startOf(path)).timestampMs + withinMs;
      for (;;) {
        const atMs = Math.min(...live.map(deadlineOf));
        if (!(atMs <= toMs)) return;
        const over = live.filter((path) => deadlineOf(path) === atMs);
        live = live.filter((path) => deadlineOf(path) !== atMs);
        const isPending = (path: Path) =>
          this.#targets(path).some((target) => target.stage === "pending" && this.#passes(path, target, next));
        letGo(over.filter(isPending), atMs);
        for (const path of over) if (!isPending(path)) results.push(this.#result("timedOut", path, atMs));
      }
    };

    for (const [i, element] of this.#all.entries()) {
      expire(element.timestampMs, i);
      const complete: { readonly path: Path; readonly history: readonly number[] }[] = [];
      const goingOn: { readonly path: Path; readonly history: readonly number[] }[] = [];
      for (const path of [...live, []]) {
        const isKilled = this.#isKilled(path, i);
        for (const target of this.#targets(path)) {
          if (!this.#takes(path, target, i)) continue;
          if (target.stage === "end") {
            if (!isKilled) complete.push({ path, history: this.#history(path, target, i + 1) });
            continue;
          }
          const longer = [...path, { stage: target.stage as number, at: i }];
          const history = this.#history(longer, undefined, i + 1);
          if (this.#isComplete(longer)) complete.push({ path: longer, history });
          if (!isKilled && this.#targets(longer).length > 0) goingOn.push({ path: longer, history });
        }
        if (path.length === 0 || isKilled) continue;
        const open = this.#targets(path).filter((target) => this.#passes(path, target, i + 1));
        const histories = open.map((target) => this.#history(path, target, i + 1)).sort(byHistory);
        if (histories[0] !== undefined) goingOn.push({ path, history: histories[0] });
      }
      live = inOrder(goingOn);
      letGo(inOrder(complete), element.timestampMs);
    }
    expire(watermarkMs, this.#all.length);
    return results;
  }

  /** What a path may go on with, in the order in which it is tried. */
  #targets(path: Path): readonly Target[] {
    const last = path.at(-1);
    const targets: Target[] = [];
    if (last !== undefined) {
      const [min, max] = this.#times(last.stage);
      const count = path.filter(({ stage }) => stage === last.stage).length;
      if (count < max) targets.push({ stage: last.stage, isFirst: false, notNext: [], greedy: undefined });
      if (count < min) return targets;
    }
    const notNext: number[] = [];
    let greedy = last === undefined ? undefined : this.#greedy(last.stage);
    for (let stage = (last?.stage ?? -1) + 1; stage < this.#stages.length; stage++) {
      const { contiguity } = this.#stage(stage);
      const isLast = stage === this.#stages.length - 1;
      if (contiguity === "notNext") {
        notNext.push(stage);
        if (greedy !== undefined) greedy = { ...greedy, onlyNext: true };
        if (this.#mayEnd(stage + 1)) targets.push({ stage: "end", isFirst: true, notNext, greedy });
      } else if (contiguity === "notFollowedBy") {
        if (isLast) targets.push({ stage: "pending", isFirst: true, notNext, greedy });
      } else {
        targets.push({ stage, isFirst: true, notNext, greedy });
        if (!this.#isOptional(stage)) break;
        greedy = this.#greedy(stage);
      }
    }
    return targets;
  }

  /** Nothing has to come from this stage on. */
  #mayEnd(from: number): boolean {
    const rest = this.#stages.slice(from);
    if (rest.at(-1)?.contiguity === "notFollowedBy") return false;
    return rest.every(
      ({ contiguity }, i) => contiguity === "notFollowedBy" || (contiguity !== "notNext" && this.#isOptional(from + i)),
    );
  }

  #isComplete(path: Path): boolean {
    const last = path.at(-1) as Taken;
    const count = path.filter(({ stage }) => stage === last.stage).length;
    return count >= this.#times(last.stage)[0] && this.#mayEnd(last.stage + 1);
  }

  /** Whether the element `at` continues the path. */
  #takes(path: Path, target: Target, at: number): boolean {
    if (!this.#passes(path, target, at) || !this.#isAllowed(path, target, at)) return false;
    const { stage } = target;
    if (stage === "end") return true;
    return stage !== "pending" && this.#holds(stage, at, path) && !this.#isUntil(stage, at);
  }

  /** Whether everything between the path and `to` may be passed over while it waits for the target. */
  #passes(path: Path, target: Target, to: number): boolean {
    const last = path.at(-1);
    if (last === undefined) return true;
    for (let at = last.at + 1; at < to; at++) {
      if (!this.#isAllowed(path, target, at)) return false;
      const { stage, isFirst } = target;
      if (stage === "pending") continue;
      if (stage === "end") return false;
      const { contiguity, flags } = this.#stage(stage);
      if (isFirst) {
        if (contiguity === "next" || (contiguity === "followedBy" && this.#holds(stage, at, path))) return false;
      } else {
        if (flags.includes("consecutive") || this.#isUntil(stage, at)) return false;
        if (!flags.includes("combinations") && this.#holds(stage, at, path)) return false;
      }
    }
    return true;
  }

  /** What the very next element must not be, and what a greedy stage does not let pass. */
  #isAllowed(path: Path, { notNext, greedy }: Target, at: number): boolean {
    const next = path.length === 0 ? at : (path.at(-1) as Taken).at + 1;
    const isNext = at === next;
    if (isNext && notNext.some((stage) => this.#holds(stage, at, path))) return false;
    if (greedy === undefined || this.#isUntil(greedy.stage, next)) return true;
    return (greedy.onlyNext && !isNext) || !this.#holds(greedy.stage, at, path);
  }

  /** Whether the element `at` is something that must not come. */
  #isKilled(path: Path, at: number): boolean {
    const last = path.at(-1);
    if (last === undefined) return false;
    const count = path.filter(({ stage }) => stage === last.stage).length;
    for (let stage = last.stage + 1; this.#stages[stage]?.contiguity.startsWith("not"); stage++) {
      if (!this.#holds(stage, at, path)) continue;
      if (this.#stage(stage).contiguity === "notFollowedBy") return true;
      if (at > last.at + 1 || count < this.#times(last.stage)[0]) continue;
      const greedy = this.#greedy(last.stage)?.stage;
      if (greedy === undefined || this.#isUntil(greedy, at) || !this.#holds(greedy, at, path)) return true;
    }
    return false;
  }

  /** For each element from the first of a path on: which of its targets was chosen, and whether it was taken. */
  #history(path: Path, waitsFor: Target | undefined, to: number): readonly number[] {
    const history = [this.#targets([]).findIndex(({ stage }) => stage === path[0]?.stage)];
    for (const [i, { at }] of path.entries()) {
      const next = path[i + 1];
      const targets = this.#targets(path.slice(0, i + 1));
      const rank =
        next === undefined
          ? targets.findIndex(({ stage, isFirst }) => stage === waitsFor?.stage && isFirst === waitsFor.isFirst)
          : targets.findIndex(({ stage }) => stage === next.stage);
      for (let between = at + 1; between < (next?.at ?? to); between++) history.push(between === at + 1 ? rank : 0, 1);
      if (next !== undefined) history.push(next.at === at + 1 ? rank : 0, 0);
    }
    return history;
  }

  /** From which element on a match leaves others alone. */
  #fromWhere(match: Path): number {
    const { skip } = this.#text;
    if (skip === "to-next") return startOf(match) + 1;
    if (skip === "past-last") return (match.at(-1) as Taken).at + 1;
    const [word, stage] = skip as readonly [string, number];
    const taken = match.filter((one) => one.stage === stage);
    return (word === "toFirst" ? taken[0] : taken.at(-1))?.at ?? 0;
  }

  #holds(stage: number, at: number, path: Path): boolean {
    const element = this.#at(at);
    if (!fits(this.#stage(stage).letters, element)) return false;
    if (!this.#rising || this.#stage(stage).letters === undefined) return true;
    return path.every((taken) => this.#at(taken.at).id < element.id);
  }

  #isUntil(stage: number, at: number): boolean {
    const { until } = this.#stage(stage);
    return until !== undefined && at < this.#all.length && fits(until, this.#at(at));
  }

  #times(stage: number): readonly [number, number] {
    const [min, max] = this.#stage(stage).times ?? [1, 1];
    return [Math.max(1, min), max];
  }

  #isOptional(stage: number): boolean {
    const { flags, times } = this.#stage(stage);
    return flags.includes("optional") || times?.[0] === 0;
  }

  #greedy(stage: number): Target["greedy"] {
    const [min, max] = this.#times(stage);
    return this.#stage(stage).flags.includes("greedy") && min !== max ? { stage, onlyNext: false } : undefined;
  }

  #stage(stage: number): StageText {
    return this.#stages[stage] as StageText;
  }

  #at(index: number): ModelElement {
    return this.#all[index] as ModelElement;
  }

  #result(kind: ModelResult["kind"], path: Path, timestampMs: number): ModelResult {
    return { kind, elements: path.map(({ stage, at }) => `${stage}:${this.#at(at).id}`).join(" "), timestampMs };
  }
}

function startOf(path: Path): number {
  return (path[0] as Taken).at;
}

function byHistory(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((n, at) => n !== b[at]);
  return i < 0 ? 0 : (a[i] as number) - (b[i] ?? -1);
}

function inOrder(found: readonly { readonly path: Path; readonly history: readonly number[] }[]): readonly Path[] {
  return found
    .toSorted((a, b) => startOf(a.path) - startOf(b.path) || byHistory(a.history, b.history))
    .map(({ path }) => path);
}
