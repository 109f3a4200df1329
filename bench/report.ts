/** What the benchmarks print for people. */

import type { SideBySide } from "./against.ts";
import type { Comparison } from "./baseline.ts";
import type { Section } from "./section.ts";

/** Below it nothing is said to have changed. */
const NOISE = 0.1;

export function describeSection({ title, rows }: Section): string {
  const width = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.map(({ what, figure, ratio, target }) => {
    const beside = ratio === undefined ? "" : `  ${ratio.toFixed(2)} ×`;
    const wanted = target === undefined ? "" : `  (target ${target}${ratio === undefined ? "" : " ×"})`;
    return `  ${what.padEnd(width)}  ${figure}${beside}${wanted}`;
  });
  return `\n${title}\n${lines.join("\n")}\n`;
}

export function describeComparison({ title, commit, date, slower, changes, isNew, isGone }: Comparison): string {
  const width = Math.max(...changes.map(({ what }) => what.length));
  const lines = changes.map(({ what, before, now, unit, times }) => {
    const change = times === undefined ? "" : `  ${times.toFixed(2)} × ${verdict(times)}`;
    return `  ${what.padEnd(width)}  ${digits(before)} → ${digits(now)} ${unit}${change}`;
  });
  const machine = `the straight loop takes ${slower.toFixed(2)} × as long as then, times are compared with that taken out`;
  return [
    `\n${title}: against ${commit} of ${date}; ${machine}`,
    ...lines,
    ...isNew.map((what) => `  new: ${what}`),
    ...isGone.map((what) => `  gone: ${what}`),
    "",
  ].join("\n");
}

export function describeSideBySide(rows: readonly SideBySide[], commit: string): string {
  const width = Math.max(0, ...rows.map(({ what }) => what.length));
  const lines = rows.flatMap(({ title, what, unit, there, here, ratios }, i) => {
    const times = here / there;
    const [least = times] = ratios;
    const most = ratios.at(-1) ?? times;
    // Where the rounds do not agree which is more, nothing is said.
    const said = least > 1 || most < 1 ? verdict(times) : "";
    const line = `  ${what.padEnd(width)}  ${digits(there)} → ${digits(here)} ${unit}  ${times.toFixed(2)} × (${least.toFixed(2)} to ${most.toFixed(2)}) ${said}`;
    return rows[i - 1]?.title === title ? [line] : [`\n${title}: ${commit} → here`, line];
  });
  return `${lines.join("\n")}\n`;
}

const verdict = (times: number) => (times > 1 + NOISE ? "more" : times < 1 / (1 + NOISE) ? "less" : "the same");
const digits = (value: number) => (value === 0 ? "0" : Number(value.toPrecision(4)).toLocaleString("en"));
