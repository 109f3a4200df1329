/** The conditions of a pattern, asked of one element for one partial match after the other: each at most once, and those that look at the element alone once for all. */

import type { AuthorFunction } from "../stream/node.ts";
import { isNegative, type PatternSpec } from "../stream/pattern-spec.ts";
import { type ConditionId, untilOf, whereOf } from "./pattern-automaton.ts";
import { EMPTY_PATH, type PathId } from "./pattern-match.ts";
import type { Caller } from "./step.ts";

type ConditionSpec = {
  readonly stage: number;
  readonly where: string;
  readonly terms: readonly { readonly join: "and" | "or"; readonly fn: AuthorFunction }[];
  /** It asks for what was taken before. */
  readonly looksBack: boolean;
};

export class PatternConditions {
  readonly #stages: PatternSpec["stages"];
  readonly #call: Caller;
  readonly #specs: (ConditionSpec | undefined)[] = [];
  #value: unknown;
  #timestampMs = 0;
  #valuesOf: (path: PathId) => readonly (readonly unknown[])[] = () => [];
  #path: PathId = EMPTY_PATH;
  #values: readonly (readonly unknown[])[] | undefined;
  /** What is known of the element, and of the element with the path. */
  #ofElement: (boolean | undefined)[] = [];
  #ofPath: (boolean | undefined)[] = [];

  constructor({ stages }: PatternSpec, call: Caller) {
    this.#stages = stages;
    this.#call = call;
    for (const [stage, { name, conditions, until }] of stages.entries()) {
      const where = `pattern (${name})`;
      this.#specs[whereOf(stage)] = conditionSpec(stage, where, conditions);
      if (until !== undefined)
        this.#specs[untilOf(stage)] = conditionSpec(stage, `${where} until`, [{ join: "and", fn: until }]);
    }
  }

  /** From here on it is this element that is asked about. */
  begin(value: unknown, timestampMs: number, valuesOf: (path: PathId) => readonly (readonly unknown[])[]): void {
    this.#value = value;
    this.#timestampMs = timestampMs;
    this.#valuesOf = valuesOf;
    this.#ofElement = [];
    this.turnTo(EMPTY_PATH);
    this.#call.freeze?.(value);
  }

  /** From here on it is about this path. */
  turnTo(path: PathId): void {
    this.#path = path;
    this.#values = undefined;
    if (this.#ofPath.length > 0) this.#ofPath = [];
  }

  holds(condition: ConditionId): boolean {
    const spec = this.#specs[condition];
    if (spec === undefined) return true;
    const known = spec.looksBack ? this.#ofPath : this.#ofElement;
    return (known[condition] ??= this.#ask(spec));
  }

  #ask({ stage, where, terms, looksBack }: ConditionSpec): boolean {
    const { ctx } = this.#call;
    const soFar = looksBack ? this.#soFar(stage) : undefined;
    this.#call.step = where;
    ctx.timestampMs = this.#timestampMs;
    const holds = (fn: AuthorFunction) => {
      if (fn.length < 2) return Boolean(fn(this.#value));
      return Boolean(fn.length < 3 ? fn(this.#value, soFar) : fn(this.#value, soFar, ctx));
    };
    return terms.reduce(
      (so, { join, fn }, i) => (i === 0 ? holds(fn) : join === "and" ? so && holds(fn) : so || holds(fn)),
      true,
    );
  }

  #soFar(stage: number): unknown {
    this.#values ??= this.#path === EMPTY_PATH ? this.#stages.map(() => []) : this.#valuesOf(this.#path);
    const soFar = toMatch(this.#stages, this.#values, stage);
    soFar[this.#stages[stage]?.name as string] = this.#values[stage];
    this.#call.freeze?.(soFar);
    return soFar;
  }
}

/** undefined: it always holds. */
function conditionSpec(stage: number, where: string, terms: ConditionSpec["terms"]): ConditionSpec | undefined {
  return terms.length === 0 ? undefined : { stage, where, terms, looksBack: terms.some(({ fn }) => fn.length >= 2) };
}

/** What authors see of a match: an element for each stage before `end`, or an array where it may have several. */
export function toMatch(
  stages: PatternSpec["stages"],
  values: readonly (readonly unknown[])[],
  end = stages.length,
): Record<string, unknown> {
  const match: Record<string, unknown> = {};
  for (let i = 0; i < end; i++) {
    const stage = stages[i] as PatternSpec["stages"][number];
    if (!isNegative(stage)) match[stage.name] = stage.quantified ? (values[i] ?? []) : values[i]?.[0];
  }
  return match;
}
