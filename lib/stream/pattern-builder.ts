/** The builder behind the interfaces of patterns: every method gives a new pattern, checked as far as it is known. */

import { authorFunction } from "./author-function.ts";
import { MillraceError } from "./error.ts";
import type { AuthorFunction } from "./node.ts";
import { type Contiguity, isNegative, type PatternSpec, type PatternStage } from "./pattern-spec.ts";

const STAGE_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

/** The automaton has a state for each element that a stage may take. */
const TIMES_MAX = 1_000;
const STAGES_MAX = 100;

/** The pattern that an author builds. Throws a MillraceError "definition" for what does not make one. */
export function patternOf(build: AuthorFunction): PatternSpec {
  const empty: PatternSpec = { stages: [], withinMs: undefined, skip: { kind: "none" } };
  const start = { begin: (name: string, where?: AuthorFunction) => new PatternBuilder(empty).begin(name, where) };
  const spec = PatternBuilder.specOf(authorFunction(build, "pattern")(start));
  requireComplete(spec);
  return spec;
}

class PatternBuilder {
  readonly #spec: PatternSpec;

  constructor(spec: PatternSpec) {
    this.#spec = spec;
  }

  /** What an author's function returned. */
  static specOf(built: unknown): PatternSpec {
    if (typeof built !== "object" || built === null || !(#spec in built))
      throw wrong(
        'pattern() takes a function that returns a pattern: (p) => p.begin("view", …).followedBy("cart", …).',
      );
    return built.#spec;
  }

  begin(name: string, where?: AuthorFunction): PatternBuilder {
    return this.#add("next", name, where);
  }

  next(name: string, where?: AuthorFunction): PatternBuilder {
    return this.#add("next", name, where);
  }

  followedBy(name: string, where?: AuthorFunction): PatternBuilder {
    return this.#add("followedBy", name, where);
  }

  followedByAny(name: string, where?: AuthorFunction): PatternBuilder {
    return this.#add("followedByAny", name, where);
  }

  notNext(name: string, where?: AuthorFunction): PatternBuilder {
    return this.#add("notNext", name, where);
  }

  notFollowedBy(name: string, where?: AuthorFunction): PatternBuilder {
    return this.#add("notFollowedBy", name, where);
  }

  where(fn: AuthorFunction): PatternBuilder {
    return this.#condition("and", fn, "where");
  }

  or(fn: AuthorFunction): PatternBuilder {
    return this.#condition("or", fn, "or");
  }

  times(min: number, max: number = min): PatternBuilder {
    if (min !== 0 || max === 0) requireTimes(min, this.#last);
    requireTimes(max, this.#last);
    if (max < min) throw wrong(`The stage ${shown(this.#last)} is to be taken ${min} to ${max} times.`);
    const quantified = this.#quantify("times", Math.max(min, 1), max);
    return min === 0 ? quantified.optional() : quantified;
  }

  timesOrMore(n: number): PatternBuilder {
    requireTimes(n, this.#last);
    return this.#quantify("timesOrMore", n, Number.POSITIVE_INFINITY);
  }

  oneOrMore(): PatternBuilder {
    return this.#quantify("oneOrMore", 1, Number.POSITIVE_INFINITY);
  }

  optional(): PatternBuilder {
    this.#requireTaking("optional");
    if (this.#last.optional) throw wrong(`The stage ${shown(this.#last)} is optional already.`);
    if (this.#spec.stages.slice(0, -1).findLast((stage) => !isNegative(stage))?.greedy === true)
      throw wrong(
        `The stage ${shown(this.#last)} cannot be optional, as the one before it is greedy: nothing would say where that ends.`,
      );
    return this.#change({ optional: true });
  }

  greedy(): PatternBuilder {
    this.#requireSeveral("greedy");
    if (this.#last.inner === "combinations")
      throw wrong(`The stage ${shown(this.#last)} allows combinations, so it cannot be greedy.`);
    return this.#change({ greedy: true });
  }

  consecutive(): PatternBuilder {
    return this.#setInner("consecutive", "consecutive");
  }

  allowCombinations(): PatternBuilder {
    if (this.#last.greedy) throw wrong(`The stage ${shown(this.#last)} is greedy, so it cannot allow combinations.`);
    return this.#setInner("combinations", "allowCombinations");
  }

  until(fn: AuthorFunction): PatternBuilder {
    if (this.#last.max !== Number.POSITIVE_INFINITY)
      throw wrong(`until() is for stages with oneOrMore or timesOrMore; ${shown(this.#last)} has neither.`);
    if (this.#last.until !== undefined) throw wrong(`The stage ${shown(this.#last)} has an until already.`);
    return this.#change({ until: authorFunction(fn, "until") });
  }

  within(duration: number): PatternBuilder {
    if (!Number.isSafeInteger(duration) || duration <= 0)
      throw wrong(`within() takes a whole number of milliseconds above zero, such as minutes(5), not ${duration}.`);
    return new PatternBuilder({ ...this.#spec, withinMs: duration });
  }

  afterMatch(skip: unknown): PatternBuilder {
    if (skip === "none" || skip === "to-next" || skip === "past-last")
      return new PatternBuilder({ ...this.#spec, skip: { kind: skip } });
    const { toFirst, toLast } = (skip ?? {}) as { toFirst?: unknown; toLast?: unknown };
    const stage = toFirst ?? toLast;
    if (typeof stage !== "string" || (toFirst !== undefined && toLast !== undefined))
      throw wrong('afterMatch() takes "none", "to-next", "past-last", { toFirst: stage } or { toLast: stage }.');
    return new PatternBuilder({
      ...this.#spec,
      skip: { kind: toFirst === undefined ? "to-last" : "to-first", stage },
    });
  }

  get #last(): PatternStage {
    return this.#spec.stages.at(-1) as PatternStage;
  }

  #add(contiguity: Contiguity, name: string, where: AuthorFunction | undefined): PatternBuilder {
    const { stages } = this.#spec;
    if (typeof name !== "string" || !STAGE_NAME.test(name))
      throw wrong(
        `A stage of a pattern cannot be called ${JSON.stringify(name)}: a name begins with a letter and consists of letters, digits, '-' and '_'.`,
      );
    if (stages.some((stage) => stage.name === name))
      throw wrong(`A pattern has two stages called ${JSON.stringify(name)}; give each a name of its own.`);
    if (stages.length === STAGES_MAX) throw wrong(`A pattern has at most ${STAGES_MAX} stages.`);
    if (this.#spec.withinMs !== undefined || this.#spec.skip.kind !== "none")
      throw wrong("within() and afterMatch() are said of the whole pattern, behind its last stage.");
    const negative = contiguity === "notNext" || contiguity === "notFollowedBy";
    if (negative && this.#last?.optional)
      throw wrong(
        `${contiguity}(${JSON.stringify(name)}) cannot follow the optional stage ${shown(this.#last)}: write two patterns, one with that stage and one without.`,
      );
    const stage: PatternStage = {
      name,
      contiguity,
      conditions: where === undefined ? [] : [{ join: "and", fn: authorFunction(where, contiguity) }],
      until: undefined,
      min: 1,
      max: 1,
      quantified: false,
      optional: false,
      greedy: false,
      inner: "relaxed",
    };
    return new PatternBuilder({ ...this.#spec, stages: [...stages, stage] });
  }

  #change(change: Partial<PatternStage>): PatternBuilder {
    const stages = [...this.#spec.stages.slice(0, -1), { ...this.#last, ...change }];
    return new PatternBuilder({ ...this.#spec, stages });
  }

  #condition(join: "and" | "or", fn: AuthorFunction, method: string): PatternBuilder {
    return this.#change({ conditions: [...this.#last.conditions, { join, fn: authorFunction(fn, method) }] });
  }

  #quantify(method: string, min: number, max: number): PatternBuilder {
    this.#requireTaking(method);
    if (this.#last.quantified) throw wrong(`The stage ${shown(this.#last)} is told twice how often it is to be taken.`);
    return this.#change({ min, max, quantified: true });
  }

  #setInner(inner: PatternStage["inner"], method: string): PatternBuilder {
    this.#requireSeveral(method);
    if (this.#last.inner !== "relaxed")
      throw wrong(`The stage ${shown(this.#last)} is told twice how its elements stand to each other.`);
    return this.#change({ inner });
  }

  #requireTaking(method: string): void {
    if (isNegative(this.#last))
      throw wrong(`${method}() is not for ${this.#last.contiguity}(${shown(this.#last)}), which takes no element.`);
  }

  #requireSeveral(method: string): void {
    this.#requireTaking(method);
    if (!this.#last.quantified)
      throw wrong(
        `${method}() is for stages that may take several elements; say oneOrMore() or times() of ${shown(this.#last)} first.`,
      );
  }
}

function requireComplete({ stages, withinMs, skip }: PatternSpec): void {
  const last = stages.at(-1) as PatternStage;
  if (last.contiguity === "notFollowedBy" && withinMs === undefined)
    throw wrong(
      `A pattern that ends with notFollowedBy(${shown(last)}) needs within(): without it the match would never come.`,
    );
  if (!("stage" in skip)) return;
  const stage = stages.find(({ name }) => name === skip.stage);
  if (stage === undefined || isNegative(stage))
    throw wrong(
      `afterMatch() names ${JSON.stringify(skip.stage)}, which is no stage of the pattern that takes elements.`,
    );
}

function requireTimes(n: number, stage: PatternStage): void {
  if (!Number.isSafeInteger(n) || n < 1 || n > TIMES_MAX)
    throw wrong(`The stage ${shown(stage)} is taken a whole number of times from 1 to ${TIMES_MAX}, not ${n}.`);
}

function shown({ name }: PatternStage): string {
  return JSON.stringify(name);
}

function wrong(sentence: string): MillraceError {
  return new MillraceError("definition", sentence);
}
