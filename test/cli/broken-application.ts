/** An application on disk whose steps throw for some lines, until a file says that they are mended: what every process of it sees. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const MILLRACE = resolve(import.meta.dirname, "../../lib/index.ts");

const TOPICS = `
import { existsSync } from "node:fs";
import { json, text, topic } from "${MILLRACE}";
export const lines = topic("lines", { value: text(), partitions: 2 });
export const copies = topic("copies", { value: text(), partitions: 2 });
export const counts = topic("counts", { value: json(), partitions: 1 });
export const working = (step) => (line) => {
  if (line.includes(step) && !existsSync(new URL("../mended-" + step, import.meta.url))) throw new Error(step + " is broken");
  return line;
};`;

const COUNT = `
import { operator, stream } from "${MILLRACE}";
import { counts, lines, working } from "./topics.ts";
export const handler = operator("count", stream(lines).map(working("early")).keyBy(() => "all").map(working("behind")).count()
  .to(counts.from(({ value }) => ({ count: value }))));`;

const COPY = `
import { operator, stream } from "${MILLRACE}";
import { copies, lines, working } from "./topics.ts";
export const handler = operator("copy", stream(lines).map(working("copying")).to(copies));`;

/** A step that throws for lines with its name in them: before the shuffle, behind it, and in an operator without a log. */
export type Step = "early" | "behind" | "copying";

/** Writes it into a folder, which is made: operators `count` and `copy` of an application called shop. */
export function writeBrokenApplication(folder: string): void {
  mkdirSync(join(folder, "functions"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "name": "shop", "type": "module" }');
  for (const [name, code] of Object.entries({ topics: TOPICS, count: COUNT, copy: COPY }))
    writeFileSync(join(folder, "functions", `${name}.ts`), code);
}

export function mend(folder: string, ...steps: readonly Step[]): void {
  for (const step of steps) writeFileSync(join(folder, `mended-${step}`), "");
}
