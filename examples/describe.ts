/** What is said of an example's run, in lines. */

import { describeInjected, formatCount, formatPlural } from "../demo/screen-model.ts";
import { formatTable } from "../lib/cli/table.ts";
import type { ExampleSummary } from "./run-example.ts";

const CELL_CHARACTERS_MAX = 44;

export function describeExample(summary: ExampleSummary): string {
  const { results, deadLetters, answeredMs, records, seconds, repeats, seed } = summary;
  const lines = [formatSample(summary.sample)];
  for (const [operator, count] of Object.entries(deadLetters))
    if (count > 0)
      lines.push(
        `${formatPlural(count, "broken record")} became dead letters of ${operator}, with their bytes and the reason.`,
      );
  if (summary.injected !== undefined) lines.push(`Injected: ${describeInjected(summary.injected)}.`);
  if (repeats > 0 && summary.verified)
    lines.push(
      `${formatPlural(repeats, "result was", "results were")} written again after a crash; their identities told, and they were dropped.`,
    );
  if (answeredMs !== undefined) lines.push(`From writing a record to its result in the topic: ${answeredMs} ms.`);
  lines.push(`${formatPlural(records, "record")} in ${seconds.toFixed(1)} s.`);
  const all = Object.entries(results);
  const count = formatCount(all.reduce((sum, [, some]) => sum + some, 0));
  const each = all.map(([topic, some]) => `${topic} ${formatCount(some)}`).join(", ");
  if (summary.verified) lines.push(`Verified: ${count} results equal a direct computation (${each}; seed ${seed}).`);
  else lines.push(`NOT verified (${each}; seed ${seed}).`, ...summary.problems);
  return `${lines.join("\n")}\n`;
}

/** Results as a table: their members are the columns. */
function formatSample(sample: readonly unknown[]): string {
  const rows = sample.map((value): Record<string, unknown> => (isObject(value) ? value : { value }));
  const heads = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const right = heads.flatMap((head, i) => (rows.every((row) => typeof row[head] === "number") ? [i] : []));
  return formatTable(
    heads,
    rows.map((row) => heads.map((head) => formatCell(row[head]))),
    right,
  );
}

function formatCell(value: unknown): string {
  const text =
    typeof value === "string" ? value : typeof value === "number" ? String(Number(value.toFixed(2))) : toText(value);
  return text.length > CELL_CHARACTERS_MAX ? `${text.slice(0, CELL_CHARACTERS_MAX - 1)}…` : text;
}

function toText(value: unknown): string {
  return Array.isArray(value)
    ? value.map(toText).join(" ")
    : isObject(value)
      ? Object.values(value).map(toText).join("/")
      : String(value ?? "–");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
