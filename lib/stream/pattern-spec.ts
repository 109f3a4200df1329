/** Patterns as data: stages that elements are taken for, one after the other, and what holds for the whole. After Flink's CEP library. */

import { toDurationText } from "./duration-text.ts";
import type { AuthorFunction } from "./node.ts";

/** How a stage stands to the element that was taken before it. The last two are no stages that take elements. */
export type Contiguity =
  /** The very next element. */
  | "next"
  /** The first one that fits. */
  | "followedBy"
  /** Any one that fits. */
  | "followedByAny"
  /** What the very next element must not be. */
  | "notNext"
  /** What must not come before the next stage. */
  | "notFollowedBy";

/** What one stage asks of its elements. */
export type PatternStage = {
  readonly name: string;
  /** "next" for the first. */
  readonly contiguity: Contiguity;
  /** Taken together from the left: `a and b or c` is `(a and b) or c`. Without any, every element fits. */
  readonly conditions: readonly { readonly join: "and" | "or"; readonly fn: AuthorFunction }[];
  /** No element is taken any more from the first on for which it holds, once the stage has begun. */
  readonly until: AuthorFunction | undefined;
  readonly min: number;
  /** ∞: any number. */
  readonly max: number;
  /** Said to be taken several times: matches have an array of its elements. */
  readonly quantified: boolean;
  readonly optional: boolean;
  /** Nothing that would fit may be left out before the next stage. */
  readonly greedy: boolean;
  /** How its elements stand to each other. */
  readonly inner: "relaxed" | "consecutive" | "combinations";
};

/** What goes on after a match: which partial matches, and matches that wait, are dropped. */
export type SkipStrategy =
  | { readonly kind: "none" }
  /** Those that began with the same element, or before. */
  | { readonly kind: "to-next" }
  /** Those that began before the match ended, or with its last element. */
  | { readonly kind: "past-last" }
  /** Those that began before the first, or the last, element of a stage. None where the match has no element of it. */
  | { readonly kind: "to-first" | "to-last"; readonly stage: string };

/** A whole pattern. */
export type PatternSpec = {
  readonly stages: readonly PatternStage[];
  /** A match is shorter than this; undefined: as long as it likes. */
  readonly withinMs: number | undefined;
  readonly skip: SkipStrategy;
};

/** Whether a stage says what must not come. */
export function isNegative({ contiguity }: PatternStage): boolean {
  return contiguity === "notNext" || contiguity === "notFollowedBy";
}

/** A pattern in words, without its conditions: `view, followedBy cart{1,}, within 30 min`. Two that differ in structure never have the same. */
export function toPatternText({ stages, withinMs, skip }: PatternSpec): string {
  const parts = stages.map((stage, i) => `${i === 0 ? "" : `${stage.contiguity} `}${stage.name}${toQuantifier(stage)}`);
  if (withinMs !== undefined) parts.push(`within ${toDurationText(withinMs)}`);
  if (skip.kind !== "none") parts.push(`skip ${skip.kind}${"stage" in skip ? ` ${skip.stage}` : ""}`);
  return parts.join(", ");
}

function toQuantifier({ quantified, min, max, optional, greedy, inner, until }: PatternStage): string {
  const times = !quantified ? "" : `{${min}${max === min ? "" : `,${max === Number.POSITIVE_INFINITY ? "" : max}`}}`;
  const how = inner === "relaxed" ? "" : ` ${inner}`;
  return `${times}${optional ? "?" : ""}${greedy ? " greedy" : ""}${how}${until === undefined ? "" : " until"}`;
}
