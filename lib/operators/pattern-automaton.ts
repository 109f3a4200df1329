/**
 * A pattern compiled to an automaton, after Flink's NFACompiler: states that wait for an element, with edges that take it, pass it over, go on to what the next state does with
 * it, or end the partial match.
 *
 * A state is for one number of elements of one stage, what must not come meanwhile, and a choice: where an element is passed over, it is settled whether the stage still takes
 * another or is over. So no sequence is found twice.
 */

import { isNegative, type PatternSpec, type PatternStage } from "../stream/pattern-spec.ts";

/** A condition by number: a stage's own, or its until. */
export type ConditionId = number;

export function whereOf(stage: number): ConditionId {
  return 2 * stage;
}

export function untilOf(stage: number): ConditionId {
  return 2 * stage + 1;
}

/** A condition must hold, or must not. */
type Test = { readonly condition: ConditionId; readonly holds: boolean };

type Edge = {
  /** "proceed": the same element is given to `to`. "stop": the partial match ends, whatever its other edges say. */
  readonly action: "take" | "ignore" | "proceed" | "stop";
  readonly to: number;
  /** All of them. */
  readonly tests: readonly Test[];
};

export type State = {
  /** Whose elements it takes. */
  readonly stage: number;
  readonly isFinal: boolean;
  readonly edges: readonly Edge[];
  /** What arrives here by taking an element is a match, and may become a longer one. */
  readonly accepts: boolean;
  /** What is here when its time is over is a match: what must not follow has not come. */
  readonly isMatchInTheEnd: boolean;
};

export type Automaton = { readonly states: readonly State[]; readonly start: number };

/** What a state waits for. */
type Waiting = {
  /** The stage, of which `taken` elements have been taken. */
  readonly stage: number;
  readonly taken: number;
  /** The stage takes another; without, it may also be over, or left out. */
  readonly settled: boolean;
  /** The notFollowedBy stages that are in force. */
  readonly nots: readonly number[];
  /** The greedy stage before, none of whose elements may be passed over. */
  readonly greedy: number | undefined;
};

const FINAL = 0;

/** Compiles a pattern. */
export function automatonOf({ stages }: PatternSpec): Automaton {
  const indexes = new Map<string, number>();
  /** By index − 1; grows while states are made of it. */
  const open: Waiting[] = [];
  const indexOf = (waiting: Waiting): number => {
    const name = JSON.stringify([waiting.stage, waiting.taken, waiting.settled, waiting.nots, waiting.greedy ?? null]);
    let index = indexes.get(name);
    if (index === undefined) {
      index = open.push(waiting);
      indexes.set(name, index);
    }
    return index;
  };
  const compiler = new Compiler(stages, indexOf);
  const start = compiler.begin(0, [], undefined);
  const edges: (readonly Edge[])[] = [[]];
  for (let i = 0; i < open.length; i++) edges.push(compiler.edgesOf(open[i] as Waiting));
  const last = stages.length - 1;
  const isPending = (index: number) => open[index - 1]?.stage === last && stages[last]?.contiguity === "notFollowedBy";
  const states = edges.map(
    (own, index): State => ({
      stage: open[index - 1]?.stage ?? -1,
      isFinal: index === FINAL,
      edges: own,
      accepts: leadsTo(
        index,
        edges,
        ({ tests }) => tests.length === 0,
        (to) => to === FINAL,
      ),
      isMatchInTheEnd: isPending(index) || leadsTo(index, edges, () => true, isPending),
    }),
  );
  return { states, start };
}

/** Whether a state is somewhere without another element. */
function leadsTo(
  from: number,
  edges: readonly (readonly Edge[])[],
  passes: (edge: Edge) => boolean,
  isThere: (state: number) => boolean,
): boolean {
  for (const edge of edges[from] ?? [])
    if (edge.action === "proceed" && passes(edge))
      if (isThere(edge.to) || leadsTo(edge.to, edges, passes, isThere)) return true;
  return false;
}

class Compiler {
  readonly #stages: readonly PatternStage[];
  readonly #indexOf: (waiting: Waiting) => number;

  constructor(stages: readonly PatternStage[], indexOf: (waiting: Waiting) => number) {
    this.#stages = stages;
    this.#indexOf = indexOf;
  }

  /** The state before the first element of a stage. */
  begin(from: number, before: readonly number[], greedy: number | undefined): number {
    const nots = [...before];
    let stage = from;
    // What must not follow is in force in the state of the stage behind it; the last one has a state of its own.
    while (this.#stages[stage]?.contiguity === "notFollowedBy" && stage < this.#stages.length - 1) nots.push(stage++);
    if (stage === this.#stages.length) return FINAL;
    return this.#indexOf({ stage, taken: 0, settled: false, nots, greedy });
  }

  edgesOf(waiting: Waiting): readonly Edge[] {
    const { contiguity } = this.#at(waiting.stage);
    // Nothing at all may be done with an element that the greedy stage before would have taken.
    const greedy: Test[] = waiting.greedy === undefined ? [] : [isNot(whereOf(waiting.greedy))];
    const edges =
      contiguity === "notFollowedBy"
        ? this.#pending(waiting)
        : contiguity === "notNext"
          ? this.#notNext(waiting)
          : waiting.taken === 0
            ? this.#first(waiting)
            : this.#further(waiting);
    return greedy.length === 0 ? edges : edges.map((edge) => ({ ...edge, tests: [...greedy, ...edge.tests] }));
  }

  /** notFollowedBy at the end of a pattern. */
  #pending(waiting: Waiting): Edge[] {
    return [edge("ignore", this.#indexOf(waiting)), ...stops([...waiting.nots, waiting.stage])];
  }

  #notNext({ stage, nots: before }: Waiting): Edge[] {
    const [where, next] = [whereOf(stage), this.begin(stage + 1, before, undefined)];
    const nots = [...before, ...this.#notsBehind(stage)];
    const edges = [edge("stop", FINAL, is(where)), ...stops(nots)];
    // Where nothing has to follow, the match comes with the element that is none of them.
    if (this.#mayEndBehind(stage))
      edges.push(edge("ignore", FINAL, isNot(where), ...nots.map((not) => isNot(whereOf(not)))));
    if (next !== FINAL) edges.push(edge("proceed", next, isNot(where)));
    return edges;
  }

  #mayEndBehind(stage: number): boolean {
    const rest = this.#stages.slice(stage + 1);
    return (
      rest.at(-1)?.contiguity !== "notFollowedBy" &&
      rest.every(({ optional, contiguity }) => optional || contiguity === "notFollowedBy")
    );
  }

  #first(waiting: Waiting): Edge[] {
    const { stage, settled, nots } = waiting;
    const { contiguity, optional } = this.#at(stage);
    const edges = [this.#take(stage, 0)];
    const mayBeOver = optional && !settled;
    if (mayBeOver) edges.push(...this.#over(stage, nots));
    const stay = this.#indexOf({ ...waiting, settled: mayBeOver || settled });
    if (contiguity === "followedBy") edges.push(edge("ignore", stay, isNot(whereOf(stage))));
    if (contiguity === "followedByAny") edges.push(edge("ignore", stay));
    return [...edges, ...stops(nots)];
  }

  #further(waiting: Waiting): Edge[] {
    const { stage, taken, settled } = waiting;
    const { inner, min, until } = this.#at(stage);
    const edges = [this.#take(stage, taken)];
    const mayBeOver = taken >= min && !settled;
    if (mayBeOver) edges.push(...this.#over(stage, []));
    const stay = this.#indexOf({ ...waiting, settled: mayBeOver || settled });
    const goesOn = until === undefined ? [] : [isNot(untilOf(stage))];
    if (inner === "relaxed") edges.push(edge("ignore", stay, isNot(whereOf(stage)), ...goesOn));
    if (inner === "combinations") edges.push(edge("ignore", stay, ...goesOn));
    // What must not follow a stage must not come between its elements either.
    return [...edges, ...stops(this.#notsBehind(stage))];
  }

  /** The notFollowedBy stages before the next one that takes elements. */
  #notsBehind(stage: number): readonly number[] {
    const nots: number[] = [];
    for (let i = stage + 1; i < this.#stages.length && isNegative(this.#at(i)); i++)
      if (this.#at(i).contiguity === "notFollowedBy") nots.push(i);
    return nots;
  }

  #take(stage: number, taken: number): Edge {
    const { max, min, until } = this.#at(stage);
    const tests = until === undefined ? [] : [isNot(untilOf(stage))];
    const to =
      taken + 1 === max
        ? this.begin(stage + 1, [], this.#greedy(stage))
        : this.#indexOf({
            stage,
            taken: max === Number.POSITIVE_INFINITY ? Math.min(taken + 1, min) : taken + 1,
            settled: false,
            nots: [],
            greedy: undefined,
          });
    return edge("take", to, is(whereOf(stage)), ...tests);
  }

  /** The ways on from a stage that is over, or left out. */
  #over(stage: number, nots: readonly number[]): Edge[] {
    const { until } = this.#at(stage);
    const to = this.begin(stage + 1, nots, this.#greedy(stage));
    const free = this.begin(stage + 1, nots, undefined);
    // Greed ends where the stage does.
    return until === undefined || to === free
      ? [edge("proceed", to)]
      : [edge("proceed", free, is(untilOf(stage))), edge("proceed", to, isNot(untilOf(stage)))];
  }

  #greedy(stage: number): number | undefined {
    const { greedy, min, max } = this.#at(stage);
    return greedy && min !== max ? stage : undefined;
  }

  #at(stage: number): PatternStage {
    return this.#stages[stage] as PatternStage;
  }
}

function stops(nots: readonly number[]): Edge[] {
  return nots.map((stage) => edge("stop", FINAL, is(whereOf(stage))));
}

function edge(action: Edge["action"], to: number, ...tests: Test[]): Edge {
  return { action, to, tests };
}

function is(condition: ConditionId): Test {
  return { condition, holds: true };
}

function isNot(condition: ConditionId): Test {
  return { condition, holds: false };
}
