/** `millrace state show`: the state of one function, or of one key in it. */

import { type Command, Option } from "commander";
import { readTasks, type StateCell, type TaskState } from "../../local/read-state.ts";
import { MillraceError } from "../../stream/error.ts";
import { encodeKey } from "../../stream/key.ts";
import type { FunctionPlan, Topology } from "../../stream/plan.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import { type UpstreamSummary, upstreamOf } from "../find-tasks.ts";
import { examples } from "../help.ts";
import { openToLook, type PlaceOptions, placeCommand } from "../place.ts";
import { showCount, showPlural, showTime, showValue, toJsonValue } from "../printable.ts";
import type { Terminal } from "../terminal.ts";

/** With many partitions, those that are furthest behind are what matters. */
const UPSTREAM_SHOWN_MAX = 10;

type ShowOptions = PlaceOptions & { readonly key?: string; readonly json?: true };

export function stateShowCommand(terminal: Terminal): Command {
  return placeCommand("show")
    .description("Show what the tasks of a function remember, or what they remember of one key.")
    .argument("<function>", "as `millrace state list` names it")
    .addOption(new Option("--key <key>", "a key: text as it is, or a number, boolean or tuple as JSON"))
    .addOption(new Option("--json", "as JSON"))
    .addHelpText(
      "after",
      examples([
        ["millrace state show count-words--by-key", "checkpoints, watermarks, tables and how much is in them"],
        ["millrace state show count-words--by-key --key the", "the open windows of one word"],
        [`millrace state show orders--by-key --key '["acme",17]'`, "a tuple"],
      ]),
    )
    .action(async (name: string, options: ShowOptions) => {
      const { application, workspace } = await openToLook(options, terminal);
      try {
        const plan = findFunction(application?.topology, name);
        const tasks = await readTasks(workspace.stateLog, application!.topology, plan);
        if (options.key === undefined)
          terminal.out(options.json ? toJson(tasks.map(describeTask)) : showTasks(tasks, plan));
        else {
          const cells = cellsOf(tasks, options.key);
          terminal.out(options.json ? toJson(cells) : showCells(cells, options.key));
        }
      } finally {
        await workspace.close();
      }
    });
}

/** Throws a MillraceError "usage" where there is none. */
function findFunction(topology: Topology | undefined, name: string): FunctionPlan {
  if (topology === undefined)
    throw new MillraceError("usage", "There is no functions/ folder here; name the application's with --app.");
  const plan = topology.functions.find((candidate) => candidate.name === name);
  if (plan !== undefined) return plan;
  const names = listOf(topology.functions.map((one) => one.name));
  throw new MillraceError("usage", `There is no function ${quote(name)}; there are: ${names}.`);
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, toJsonValue, 2)}\n`;
}

function describeTask({ place, meta, sequenceNumber, cells }: TaskState) {
  const tables = new Map<string, number>();
  for (const { table } of cells) tables.set(table, (tables.get(table) ?? 0) + 1);
  return {
    input: `${place.topic}-${place.partition}`,
    commits: sequenceNumber,
    checkpoint: meta.checkpoint,
    watermarkMs: Number.isFinite(meta.watermarkMs) ? meta.watermarkMs : null,
    idle: meta.idle,
    upstream: upstreamOf(meta.upstream),
    totals: meta.totals,
    tables: Object.fromEntries(tables),
  };
}

function showTasks(tasks: readonly TaskState[], { commits }: FunctionPlan): string {
  if (!commits) return "It keeps no state: its outputs follow from its input alone.\n";
  if (tasks.length === 0) return "It has committed nothing yet.\n";
  return tasks
    .map(describeTask)
    .map(({ input, commits, checkpoint, watermarkMs, idle, upstream, totals, tables }) => {
      const { records, outputs, late, duplicates, future } = totals;
      const lines = [
        `${input}: ${showPlural(commits, "commit")}, checkpoint ${checkpoint < 0 ? "–" : showCount(checkpoint)}, watermark ${showTime(watermarkMs)}${idle ? ", idle" : ""}`,
        `    ever: ${showPlural(records, "record")}, ${showPlural(outputs, "output")}, ${showCount(late)} late, ${showPlural(duplicates, "repeat")} dropped${future === 0 ? "" : `, ${showCount(future)} too far in the future to move the watermark`}`,
        ...upstream.slice(0, UPSTREAM_SHOWN_MAX).map((one) => `    ${showUpstream(one)}`),
        ...(upstream.length > UPSTREAM_SHOWN_MAX
          ? [`    … and ${showCount(upstream.length - UPSTREAM_SHOWN_MAX)} more upstream tasks that are further`]
          : []),
        ...Object.entries(tables).map(([table, cells]) => `    ${table}: ${showPlural(cells, "value")}`),
      ];
      return `${lines.join("\n")}\n`;
    })
    .join("");
}

/** What an upstream task has said: `count-words/lines-0 said 2026-11-22 10:00:00.000, idle`. */
function showUpstream({ task, watermarkMs, idle, aligned }: UpstreamSummary): string {
  const said = watermarkMs === undefined ? "has no watermark yet" : `is at ${showTime(watermarkMs)}`;
  return `${task} ${said}${idle ? ", idle" : aligned ? "" : ", not waited for until it has caught up"}`;
}

/** What is remembered of a key that was typed: it may be a string, or something else as JSON. */
function cellsOf(tasks: readonly TaskState[], text: string): readonly StateCell[] {
  const wanted = new Set([encodeKey(text)]);
  try {
    wanted.add(encodeKey(JSON.parse(text)));
  } catch {
    // No JSON, or no key: then it is the string.
  }
  return tasks.flatMap(({ cells }) => cells.filter(({ key }) => wanted.has(encodeKey(key))));
}

/** Each value of a key: which task and table, which window or name, and what is in it. */
function showCells(cells: readonly StateCell[], key: string): string {
  if (cells.length === 0) return `Nothing is remembered of the key ${quote(key)}.\n`;
  return cells
    .map(({ task, table, namespace, value }) => {
      const where = typeof namespace === "number" ? `window ${showTime(namespace)}` : namespace;
      return `${task}  ${table}  ${where}  ${showValue(value)}\n`;
    })
    .join("");
}
