/** Figures that are kept, and what became of them since. Pure; the file is read and written in main.ts. */

import type { Row, Section } from "./section.ts";

/** A section as it was measured once. */
export type KeptSection = {
  readonly title: string;
  /** The commit that it was measured at, and when. */
  readonly commit: string;
  readonly date: string;
  /** Of the straight loop, minutes before (`speed.ts`). */
  readonly loopUs: number;
  readonly rows: readonly KeptRow[];
};

type KeptRow = { readonly what: string; readonly value: number; readonly unit: string; readonly ratio?: number };

export type Baseline = {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly sections: readonly KeptSection[];
};

export type Measured = { readonly commit: string; readonly date: string; readonly loopUs: number };

/** The baseline with these sections in the place of those of the same titles. */
export function keep(
  baseline: Baseline | undefined,
  machine: Baseline["machine"],
  sections: readonly Section[],
  measured: Measured,
): Baseline {
  const kept = new Map(baseline?.sections.map((section) => [section.title, section]));
  for (const { title, rows } of sections) kept.set(title, { title, ...measured, rows: rows.map(toKept) });
  return { machine, sections: [...kept.values()] };
}

const toKept = ({ what, value, unit, ratio }: Row): KeptRow => ({
  what,
  value: round(value),
  unit,
  ...(ratio !== undefined && { ratio: round(ratio) }),
});

/** To four digits: no figure here is steadier than that. */
const round = (value: number) => Number(value.toPrecision(4));

/** What a row is now, as a multiple of what it was. */
export type Change = {
  readonly what: string;
  readonly before: number;
  readonly now: number;
  readonly unit: string;
  /** Times and rates as if the machine were as fast as it was then. Undefined where one of both is zero. */
  readonly times: number | undefined;
};

export type Comparison = {
  readonly title: string;
  readonly commit: string;
  readonly date: string;
  /** As many times as long as then the straight loop takes now. */
  readonly slower: number;
  readonly changes: readonly Change[];
  /** Rows that are there only now, and only then. */
  readonly isNew: readonly string[];
  readonly isGone: readonly string[];
};

/** Compares what was measured now with what is kept; sections of which nothing is kept are left out. */
export function compare(baseline: Baseline | undefined, sections: readonly Section[], loopUs: number): Comparison[] {
  return sections.flatMap(({ title, rows }) => {
    const kept = baseline?.sections.find((section) => section.title === title);
    if (kept === undefined) return [];
    const slower = loopUs / kept.loopUs;
    const before = new Map(kept.rows.map((row) => [row.what, row]));
    const now = new Set(rows.map(({ what }) => what));
    const changes = rows.flatMap(({ what, value, unit }) => {
      const row = before.get(what);
      if (row === undefined || row.unit !== unit) return [];
      const scaled = isTime(unit) ? value / slower : isRate(unit) ? value * slower : value;
      const times = row.value === 0 || scaled === 0 ? undefined : scaled / row.value;
      return [{ what, before: row.value, now: value, unit, times }];
    });
    const compared = new Set(changes.map(({ what }) => what));
    return [
      {
        title,
        commit: kept.commit,
        date: kept.date,
        slower,
        changes,
        isNew: [...now].filter((what) => !compared.has(what)),
        isGone: [...before.keys()].filter((what) => !now.has(what)),
      },
    ];
  });
}

const isTime = (unit: string) => /^(µs|ms|s)\b/u.test(unit);
const isRate = (unit: string) => /per (CPU )?second$/u.test(unit);
