/**
 * Patterns on a keyed stream. In event time elements wait until the watermark has passed them and are matched in order of time, with what times out in between: so what comes
 * out does not depend on how the watermark moved. When the first partial match of a key times out is in what is kept of it; the order of the keys is in memory.
 */

import { murmur2 } from "../state/murmur2.ts";
import { requireStorable } from "../state/value-encoding.ts";
import { decodeKey, encodeKey, type Key } from "../stream/key.ts";
import type { AuthorFunction, PatternNode } from "../stream/node.ts";
import { toPatternText } from "../stream/pattern-spec.ts";
import { DueQueue } from "./due-queue.ts";
import { automatonOf } from "./pattern-automaton.ts";
import { PatternConditions, toMatch } from "./pattern-conditions.ts";
import { EMPTY_PATH, type Matched, matchElement, type PathId, settle } from "./pattern-match.ts";
import { firstStartMs, forEachHead, PatternMemory, VALUE_DEPTH } from "./pattern-memory.ts";
import { type Due, firstMsOf, PatternWaiting, type Timed } from "./pattern-waiting.ts";
import type { Push, Step, StepSetup } from "./step.ts";

/** A shape is a part of every entry of the task. */
const SHAPE_CHARACTERS_MAX = 160;

const NOTHING = () => {};

/** How keys are kept; another number where the code of today would misread it. */
const CELLS_VERSION = 2;

/** What a dead letter keeps: an element whose condition failed, or a result that could not be made. */
type Failed = readonly [kind: "element" | "match" | "timedOut", timestampMs: number, value: unknown];

export function patternStep(node: PatternNode, setup: StepSetup): Step {
  const { table, tables, time, counts, guard, isFull, call } = setup;
  const { pattern, partialMatchesMax } = node;
  const { stages, withinMs, skip } = pattern;
  const [late] = setup.late;
  const inEventTime = node.time === "event";
  const automaton = automatonOf(pattern);
  const conditions = new PatternConditions(pattern, call);
  const select = bindResult(node.select, "select", setup);
  const timedOut = node.timedOut === undefined ? undefined : bindResult(node.timedOut, "timedOut", setup);
  const waiting = new PatternWaiting(tables, setup.toldMs);
  const stageNamed = (name: string) => stages.findIndex((stage) => stage.name === name);
  /** What this step was last told. */
  let toldMs = setup.toldMs;
  let queue: DueQueue | undefined;

  /** When the first partial match of a key times out. */
  const timeOutOf = (key: string) => (firstStartMs(table, key) ?? Number.POSITIVE_INFINITY) + (withinMs as number);

  /** The keys in the order in which they time out; undefined where none does. */
  const timeOuts = () => {
    if (withinMs === undefined || queue !== undefined) return queue;
    const keys: string[] = [];
    forEachHead(table, (key) => keys.push(key));
    queue = new DueQueue(keys, timeOutOf);
    return queue;
  };

  const nextTimeOutMs = () => timeOuts()?.nextMs() ?? Number.POSITIVE_INFINITY;

  /** Hands on matches, or what timed out: what they are is read at once, as what is kept of them may go. */
  const emit = (
    kind: "match" | "timedOut",
    memory: PatternMemory,
    key: string,
    paths: Iterable<PathId>,
    timestampMs: number,
  ): (() => void) => {
    const make = kind === "match" ? select : timedOut;
    if (make === undefined) return NOTHING;
    const results = Array.from(paths, (path) => ({
      path,
      value: toMatch(stages, memory.valuesOf(path, stages.length)),
    }));
    return () => {
      for (const { path, value } of results)
        guard(
          () => `${kind} ${path} of key ${JSON.stringify(key)} at ${timestampMs}`,
          () => make(value, key, timestampMs),
          () => ({
            shown: { key: decodeKey(key), [kind]: value },
            namespace: timestampMs,
            key,
            accumulator: [kind, timestampMs, value] satisfies Failed,
          }),
        );
    };
  };

  /** What is complete may go; returns what hands it on. */
  const settleAt = (memory: PatternMemory, key: string, { partials, complete }: Matched, timestampMs: number) => {
    const settled = settle(skip, stageNamed, partials, memory.waiting, complete, memory);
    memory.partials = settled.partials;
    memory.waiting = settled.waiting;
    if (settled.matches.length === 0) return NOTHING;
    return emit(
      "match",
      memory,
      key,
      settled.matches.map(({ path }) => path),
      timestampMs,
    );
  };

  /** What has not become a match within its time by `toMs` times out, one time after the other. */
  const expire = (memory: PatternMemory, key: string, toMs: number) => {
    if (withinMs === undefined) return;
    for (let first = memory.partials[0]; first !== undefined; first = memory.partials[0]) {
      const atMs = memory.timestampOf(first.start) + withinMs;
      if (atMs > toMs) return;
      const stays = memory.partials.findIndex(({ start }) => memory.timestampOf(start) + withinMs > atMs);
      const gone = stays < 0 ? memory.partials : memory.partials.slice(0, stays);
      const partials = stays < 0 ? [] : memory.partials.slice(stays);
      const complete = gone.filter(({ state }) => automaton.states[state]?.isMatchInTheEnd);
      const open = new Set(gone.map(({ path }) => path));
      for (const { path } of complete) open.delete(path);
      const handOnOpen = emit("timedOut", memory, key, open, atMs);
      settleAt(memory, key, { partials, complete }, atMs)();
      handOnOpen();
    }
  };

  /** Returns what hands on the matches that come with the element. */
  const match = (memory: PatternMemory, key: string, { timestampMs, value }: Timed): (() => void) => {
    call.reachedState = true;
    call.step = "pattern";
    const number = memory.begin(timestampMs, value);
    conditions.begin(value, timestampMs, (path) => memory.valuesOf(path, stages.length));
    let path = EMPTY_PATH;
    const matched = matchElement(automaton, memory.partials, {
      number,
      turnTo: (to) => {
        path = to;
        conditions.turnTo(to);
      },
      holds: (condition) => conditions.holds(condition),
      take: (stage) => memory.take(stage, path),
    });
    call.step = "pattern";
    const handOn = settleAt(memory, key, matched, timestampMs);
    memory.keep();
    return handOn;
  };

  /** Matches elements of a key that are in order of time, as units of their own, and goes on to `toMs`. */
  const run = (key: string, elements: readonly Timed[], toMs: number) => {
    const memory = new PatternMemory(table, key, partialMatchesMax);
    let nth = 0;
    for (const [i, element] of elements.entries()) {
      const { timestampMs } = element;
      nth = elements[i - 1]?.timestampMs === timestampMs ? nth + 1 : 0;
      expire(memory, key, timestampMs);
      let handOn = NOTHING;
      guard(
        () => `element ${timestampMs}, ${nth} of key ${JSON.stringify(key)}`,
        () => {
          handOn = match(memory, key, element);
        },
        () => ({
          shown: element.value,
          namespace: timestampMs,
          key,
          accumulator: ["element", timestampMs, element.value] satisfies Failed,
        }),
      );
      handOn();
    }
    // What is left here is found again by its time.
    if (!isFull()) expire(memory, key, toMs);
    finish(memory, key);
  };

  const finish = (memory: PatternMemory, key: string) => {
    memory.save();
    // Where nobody has asked for the order yet, it is made of what is kept.
    queue?.note(key, timeOutOf(key));
  };

  const inOrderOfTime: Push = (value, key, timestampMs) => {
    call.step = "pattern";
    call.reachedState = true;
    if (timestampMs <= toldMs) {
      counts.late++;
      late?.(value, key, timestampMs);
      return;
    }
    requireStorable(value, "the element", VALUE_DEPTH);
    waiting.add(encodeKey(key as Key), timestampMs, value);
  };

  const atOnce: Push = (value, key) => {
    requireStorable(value, "the element", VALUE_DEPTH);
    const encoded = encodeKey(key as Key);
    const memory = new PatternMemory(table, encoded, partialMatchesMax);
    expire(memory, encoded, time.nowMs);
    match(memory, encoded, { timestampMs: time.nowMs, value })();
    finish(memory, encoded);
  };

  /** Matches what was taken and lets time out what does by `passedMs`, in order of time, as far as the commit has room for the latter. */
  const runAll = (taken: readonly Due[], passedMs: number) => {
    const keys = timeOuts();
    const due = new Map(taken.map((one) => [one.key, one]));
    for (const one of taken) {
      // Those that time out before it. What was taken is not left for the next commit, which would not find it any more.
      while (!isFull()) {
        const expiring = keys?.take(firstMsOf(one));
        if (expiring === undefined) break;
        run(expiring.key, due.get(expiring.key)?.elements ?? [], passedMs);
        due.delete(expiring.key);
      }
      if (due.delete(one.key)) run(one.key, one.elements, passedMs);
    }
    while (!isFull()) {
      const expiring = keys?.take(passedMs);
      if (expiring === undefined) break;
      run(expiring.key, [], passedMs);
    }
  };

  /** True: the commit is full before all is done. */
  const advanceTo = (toMs: number): boolean => {
    for (;;) {
      const { passedMs, due } = inEventTime ? waiting.take(toMs) : { passedMs: toMs, due: [] };
      runAll(due, passedMs);
      if (isFull()) return passedMs < toMs || nextTimeOutMs() <= toMs;
      if (passedMs === toMs) return false;
    }
  };

  return {
    inputs: [inEventTime ? inOrderOfTime : atOnce],
    shape: shapeOf(node),

    flush: (advances = false) => waiting.flush(advances ? time.watermarkMs : Number.NEGATIVE_INFINITY),

    advance() {
      if (!inEventTime) return advanceTo(time.nowMs);
      if (time.watermarkMs === toldMs) return false;
      if (advanceTo(time.watermarkMs)) {
        waiting.stop();
        return true;
      }
      waiting.arrive();
      toldMs = time.watermarkMs;
      return false;
    },

    /** An element is matched again with what it is worth now: it is late, as everything that comes behind the watermark. */
    fireAgain(_, key, failed) {
      const [kind, timestampMs, value] = failed as Failed;
      if (kind === "element") (inEventTime ? inOrderOfTime : atOnce)(value, decodeKey(key), timestampMs);
      else (kind === "match" ? select : timedOut)?.(value, key, timestampMs);
    },

    // What is due already waits for the next advance.
    nextEventTimeMs: () =>
      inEventTime ? Math.max(Math.min(waiting.nextMs(), nextTimeOutMs()), toldMs + 1) : Number.POSITIVE_INFINITY,
    nextProcessingTimeMs: () => (inEventTime ? Number.POSITIVE_INFINITY : nextTimeOutMs()),
  };
}

/** Calls an author's function of (match, ctx) and hands on what it makes. */
function bindResult(
  fn: AuthorFunction,
  step: string,
  { call, out }: StepSetup,
): (match: unknown, key: string, timestampMs: number) => void {
  // What the task's context says, and what only matches have.
  const own = { writable: true, enumerable: true, value: undefined };
  const ctx = Object.create(call.ctx, { key: own, timestampMs: own }) as { key: unknown; timestampMs: number };
  return (match, encoded, timestampMs) => {
    call.step = step;
    // Its elements stay in the state of the step.
    call.freeze?.(match);
    const key = decodeKey(encoded);
    if (fn.length < 2) return out(fn(match), key, timestampMs);
    ctx.key = key;
    ctx.timestampMs = timestampMs;
    out(fn(match, ctx), key, timestampMs);
  };
}

/** The structure of the pattern, as state numbers depend on it; shortened where it is long. */
function shapeOf({ pattern, time }: PatternNode): string {
  const text = `pattern (${toPatternText(pattern)}${time === "processing" ? "; processing time" : ""}; cells ${CELLS_VERSION})`;
  if (text.length <= SHAPE_CHARACTERS_MAX) return text;
  return `${text.slice(0, SHAPE_CHARACTERS_MAX)}… #${(murmur2(text) >>> 0).toString(16)}`;
}
