/**
 * The shape of every transformation at run time: made once per task from its node, fed by pushes, told when the watermark or the clock
 * moves. A step changes nothing but its tables and says nothing but what it pushes; no clock, no randomness, no I/O.
 */

import type { KeyedTable, Namespace } from "../state/keyed-state.ts";
import type { AsyncSpec } from "../stream/async-function.ts";
import type { Ctx } from "../stream/ctx.ts";
import type { AuthorFunction } from "../stream/node.ts";
import type { PartialWindow } from "./partials.ts";

/** Hands an element on. `key` is the current key as the author sees it; undefined or null where there is none. */
export type Push = (value: unknown, key: unknown, timestampMs: number) => void;

export interface Step {
  /** What the nodes before it push into: one for each input of the node. */
  readonly inputs: readonly Push[];
  /** Takes what was aggregated before the shuffle, instead of the elements. */
  partials?(windows: readonly PartialWindow[]): void;
  /**
   * Moves what it gathered of a stretch of input into its tables. Called before time moves, and at the end of a stretch. `advances`: `advance` is called next, so that what it
   * takes need not be moved.
   */
  flush?(advances?: boolean): void;
  /**
   * The watermark or the clock moved; `time` says where to. Fires what is due, in order of time. True: the commit is full before all has fired; the step is
   * called again after it, perhaps by another who only knows what is in its tables.
   */
  advance?(): boolean;
  /** What it wants to know from the outside before it can go on. Asked and answered between stretches of input, before time moves. */
  readonly asks?: Asks;
  /** Fires a result again that failed, from what its dead letter kept. A window's changes none of its cells; a process function's timer meets the state of now. */
  fireAgain?(namespace: Namespace, key: string, accumulator: unknown): void;
  /** What its state looks like, where it would misread that of another shape: then the task refuses it, if there is any. */
  readonly shape?: string;
  /** What partial results are of that it can merge. */
  readonly partialShape?: string;
  /** When it wants to be told next that the watermark moved; +∞: never. */
  nextEventTimeMs?(): number;
  /** The same for the clock. */
  nextProcessingTimeMs?(): number;
}

/** A step's questions to the outside. */
export type Asks = {
  readonly spec: AsyncSpec;
  /** Its place among the nodes of its function. */
  readonly index: number;
  /** What messages call the step. */
  readonly what: string;
  /** Something behind it keeps state: it must have the answers before time moves. */
  readonly isBeforeState: boolean;
  /** What comes from here on must not overtake what came before. */
  timeMoved(): void;
  /** What came since the last call, in order. */
  take(): readonly Waiting[];
  handOn(element: Waiting, answer: unknown): void;
};

/** An element that waits for its answer. */
export type Waiting = {
  readonly value: unknown;
  readonly key: unknown;
  readonly timestampMs: number;
  readonly scope: AskScope;
  /** Which question of its unit it is: 0, 1, … */
  readonly ordinal: number;
  /** How often time has moved while elements were gathered. */
  readonly epoch: number;
};

/** The unit of the task on whose behalf is asked, and to which what follows the answer belongs. */
export type AskScope = {
  /** undefined: it belongs to no unit. */
  readonly id: number | string | undefined;
  /** It is what a timer fired. */
  readonly isResult: boolean;
  /** It read or changed state so far. */
  reachedState: boolean;
  /** How many questions and answers there were. */
  asked: number;
  answered: number;
};

/**
 * Where a task stands in time; moved by the task between stretches of input. A step that compares elements with the watermark keeps the one
 * it was last told by `advance`: what an earlier step fires at a watermark reaches it before that watermark does, as in Flink.
 */
export type TaskTime = { watermarkMs: number; nowMs: number };

/** What a task counts of a batch; published with the commit that won. */
export type Counts = {
  elements: number;
  late: number;
  nullKeys: number;
  deadLetters: number;
  future: number;
  duplicates: number;
  windowsClosed: number;
};

/** Nothing counted yet. */
export function noCounts(): Counts {
  return { elements: 0, late: 0, nullKeys: 0, deadLetters: 0, future: 0, duplicates: 0, windowsClosed: 0 };
}

/** A result that a timer fires: what people see of it, and what it takes to fire it again. */
export type FiredResult = {
  readonly shown: unknown;
  readonly namespace: Namespace;
  /** Encoded. */
  readonly key: string;
  readonly accumulator: unknown;
};

/** Runs what a timer fires as one unit: if author's code throws, all that the unit did is undone and its result becomes a dead letter. */
export type Guard = (unit: () => string, run: () => void, result: () => FiredResult) => void;

/** What a step without state finds around it. */
export type StatelessSetup = {
  readonly time: TaskTime;
  readonly counts: Counts;
  readonly call: Caller;
  readonly out: Push;
};

/** What a step with state finds around it. */
export type StepSetup = StatelessSetup & {
  readonly guard: Guard;
  /** Whether the commit has enough results: asked after each that a step fires on its own. */
  readonly isFull: () => boolean;
  /** The watermark that the step was last told, by whoever had the task before. Behind `time` for some, where that was stopped by a full commit. */
  readonly toldMs: number;
  /** The step's cells. */
  readonly table: KeyedTable;
  /** Further tables of the step, such as its timers', by a suffix that never changes. */
  readonly tables: (suffix: string) => KeyedTable;
  /** Where late elements go, by input; undefined: nowhere. */
  readonly late: readonly (Push | undefined)[];
};

/** The context object that authors' functions get, written before each call, and the name of the step that is being run, for messages. */
export type Caller = {
  readonly ctx: { -readonly [Name in keyof Ctx]: Ctx[Name] };
  step: string;
  /** Set by steps before they read or change state. */
  reachedState: boolean;
  /** Strict mode: freezes what authors' functions must not change. */
  freeze: ((value: unknown) => void) | undefined;
};

/** An author's function of (value, ctx) ready to be called: ctx is only filled in where the function asks for it. */
export function bindAuthor(
  fn: AuthorFunction,
  caller: Caller,
  step: string,
): (value: unknown, timestampMs: number) => unknown {
  if (fn.length < 2)
    return (value) => {
      caller.step = step;
      return fn(value);
    };
  return (value, timestampMs) => {
    caller.step = step;
    caller.ctx.timestampMs = timestampMs;
    return fn(value, caller.ctx);
  };
}
