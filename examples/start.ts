/** `npm run example`: runs one of the examples over input of its own, and verifies what it made of it. */

import { randomInt } from "node:crypto";
import { join, relative, resolve } from "node:path";
import { type Command, carryOut, EXIT_DIFFERS } from "../demo/carry-out.ts";
import { toServicesFlags } from "../demo/parse-options.ts";
import { SEED_MAX } from "../demo/read-number.ts";
import { formatPlural } from "../demo/screen-model.ts";
import { formatTable } from "../lib/cli/table.ts";
import { loadApplication } from "../lib/local/application.ts";
import { openServices } from "../lib/local/services.ts";
import { openWorkspace } from "../lib/local/workspace.ts";
import { type Arguments, HELP, parseArguments } from "./arguments.ts";
import { EXAMPLES, findExample } from "./catalogue.ts";
import { describeExample } from "./describe.ts";
import { EXAMPLE_VIEW } from "./progress.ts";
import { planOf, runExample } from "./run-example.ts";
import { writeWave } from "./write-wave.ts";

const examplesFolder = import.meta.dirname;
const { stdout } = process;

await carryOut(start, "The next run begins anew.");

async function start(command: Command): Promise<number> {
  const parsed = parseArguments(process.argv.slice(2));
  switch (parsed.kind) {
    case "help":
      stdout.write(`${HELP}\n`);
      return 0;
    case "list":
      stdout.write(list(parsed.json));
      return 0;
    case "produce":
      return produce(parsed, command);
    case "run":
      return run(parsed, command);
  }
}

type RunArguments = Extract<Arguments, { readonly name: string }>;

async function run(parsed: RunArguments, { signal, open }: Command): Promise<number> {
  const example = findExample(parsed.name);
  const stateFolder = resolve(examplesFolder, "../.millrace/examples", example.name);
  const { screen, onProblem, close } = open(EXAMPLE_VIEW, parsed);
  const seed = parsed.seed ?? randomInt(SEED_MAX);
  const nowMs = Date.now();
  const summary = await runExample({
    ...parsed,
    seed,
    nowMs,
    example,
    examplesFolder,
    stateFolder,
    screen,
    signal,
    onProblem,
  });
  close();
  if (parsed.json) stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    const [shown] = Object.keys(summary.results);
    const place =
      parsed.services === undefined
        ? `--state ${relative(process.cwd(), stateFolder)}`
        : toServicesFlags(parsed.services);
    const app = `--app ${relative(process.cwd(), join(examplesFolder, example.name))}`;
    stdout.write(
      `${describeExample(summary)}All of them: npx millrace topics read ${shown} ${app} ${place} --from-beginning\n`,
    );
  }
  return summary.verified ? 0 : EXIT_DIFFERS;
}

/** Writes the input to where `millrace run` finds it, beside it if it runs. */
async function produce(parsed: RunArguments, { signal }: Command): Promise<number> {
  const example = findExample(parsed.name);
  const folder = join(examplesFolder, example.name);
  const application = await loadApplication(folder);
  const workspace =
    parsed.services === undefined
      ? await openWorkspace(application, { folder: join(folder, ".millrace"), exclusive: false })
      : await openServices(application, parsed.services);
  const nowMs = Date.now();
  const { waves } = planOf({ ...parsed, seed: parsed.seed ?? randomInt(SEED_MAX), example, nowMs });
  try {
    for (const wave of waves) {
      await writeWave(workspace.broker, wave, signal);
      if (!parsed.json) stdout.write(`Written: ${formatPlural(wave.records.length, "record")}, ${wave.what}.\n`);
    }
  } finally {
    await workspace.close();
  }
  return 0;
}

function list(json: boolean): string {
  if (json) return `${JSON.stringify(EXAMPLES.map(({ name, title }) => ({ name, title })))}\n`;
  const table = formatTable(
    ["example", "what it computes"],
    EXAMPLES.map(({ name, title }) => [name, title]),
  );
  return `${table}\nRun one: npm run example -- ${EXAMPLES[0]?.name}\n`;
}
