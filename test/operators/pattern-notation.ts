/**
 * Patterns and sequences in short, for tables of cases and random runs: `c, followedBy a{1,}? greedy until x, notNext b, followedBy b|d, within 10, toFirst 1`. A letter is a
 * condition that holds of the elements with this letter in their name, `*` none; stages are called s0, s1, …. Of a sequence, `ab2@7` is an element of the letters a and b with the
 * timestamp 7.
 */

import type { Pattern, PatternStart } from "millrace";

/** An element of a sequence. */
export type Letter = { readonly name: string; readonly timestampMs: number };

/** A stage in words. */
export type StageText = {
  readonly contiguity: string;
  /** undefined: none. */
  readonly letters: string | undefined;
  readonly times: readonly [min: number, max: number] | undefined;
  readonly flags: readonly string[];
  readonly until: string | undefined;
};

/** A pattern in words. */
export type PatternText = {
  readonly stages: readonly StageText[];
  readonly withinMs: number | undefined;
  readonly skip: string | readonly [string, number];
};

/** What the builder looks like where the names of stages are not known. */
type Loose = {
  [method: string]: (...args: unknown[]) => Loose;
};

const STAGE =
  /^(?:(next|followedBy|followedByAny|notNext|notFollowedBy) )?([a-z|]+|\*)(?:\{(\d+)(?:(,)(\d*))?\})?((?:\?| \w+)*)$/;

export function parsePattern(text: string): PatternText {
  let withinMs: number | undefined;
  let skip: PatternText["skip"] = "none";
  const stages: StageText[] = [];
  for (const part of text.split(", ")) {
    const [word, n] = part.split(" ");
    if (word === "within") withinMs = Number(n);
    else if (word === "toNext" || word === "pastLast") skip = word === "toNext" ? "to-next" : "past-last";
    else if (word === "toFirst" || word === "toLast") skip = [word, Number(n)];
    else {
      const match = STAGE.exec(part);
      if (match === null) throw new Error(`no stage: ${part}`);
      const [, contiguity = "begin", letters, min, comma, max, rest = ""] = match;
      const flags = rest.replaceAll("?", " optional").trim().split(" ");
      const at = flags.indexOf("until");
      stages.push({
        contiguity,
        letters: letters === "*" ? undefined : (letters as string),
        times:
          min === undefined
            ? undefined
            : [Number(min), comma === undefined ? Number(min) : max === "" ? Number.POSITIVE_INFINITY : Number(max)],
        flags: flags.filter((flag, i) => flag !== "" && (at < 0 || i < at || i > at + 1)),
        until: at < 0 ? undefined : (flags[at + 1] as string),
      });
    }
  }
  return { stages, withinMs, skip };
}

/** Whether a letter of the condition is in the name. */
export function fits(letters: string | undefined, { name }: Letter): boolean {
  return letters === undefined || letters.split("|").some((letter) => name.includes(letter));
}

/** Builds a pattern of letters; `condition` may put others in the place of theirs. */
export function buildPattern(
  { stages, withinMs, skip }: PatternText,
  start: PatternStart<Letter>,
  condition: (letters: string, stage: number) => unknown = (letters) => (element: Letter) => fits(letters, element),
): Pattern<Readonly<Record<string, readonly ["any", Letter]>>> {
  let pattern = start as unknown as Loose;
  const call = (method: string, ...args: unknown[]) => {
    const next = pattern[method];
    if (next === undefined) throw new Error(`patterns have no ${method}`);
    pattern = next.apply(pattern, args);
  };
  for (const [i, { contiguity, letters, times, flags, until }] of stages.entries()) {
    call(contiguity, `s${i}`, letters === undefined ? undefined : condition(letters, i));
    if (times !== undefined) {
      const [min, max] = times;
      if (max < Number.POSITIVE_INFINITY) call("times", min, max);
      else if (min === 1) call("oneOrMore");
      else call("timesOrMore", min);
    }
    for (const flag of flags) call(flag === "combinations" ? "allowCombinations" : flag);
    if (until !== undefined) call("until", (element: Letter) => fits(until, element));
  }
  if (withinMs !== undefined) call("within", withinMs);
  if (typeof skip === "string") call("afterMatch", skip);
  else call("afterMatch", { [skip[0]]: `s${skip[1]}` });
  return pattern as unknown as Pattern<Readonly<Record<string, readonly ["any", Letter]>>>;
}

/** A sequence; elements without a timestamp have the one behind that of the element before. */
export function parseSequence(text: string): readonly Letter[] {
  let timestampMs = 0;
  return text.split(" ").map((part) => {
    const [name, at] = part.split("@") as [string, string?];
    timestampMs = at === undefined ? timestampMs + 1 : Number(at);
    return { name, timestampMs };
  });
}
