/** `millrace state list`: tasks with their commits, checkpoints, watermarks and sizes. */

import { type Command, Option } from "commander";
import { findTasks, type TaskSummary } from "../find-tasks.ts";
import { examples } from "../help.ts";
import { openToLook, type PlaceOptions, placeCommand } from "../place.ts";
import { showBytesSize, showCount, showDuration, showTime } from "../printable.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";

const HEADS = [
  "function",
  "input",
  "commits",
  "checkpoint",
  "watermark",
  "lag",
  "held back by",
  "log",
  "chunks",
  "wakes at",
];

export function stateListCommand(terminal: Terminal): Command {
  return placeCommand("list")
    .description("List the tasks: a function on a partition of its input, with its last commit.")
    .addOption(new Option("--all", "also what functions had before they were reset"))
    .addOption(new Option("--json", "as JSON"))
    .addHelpText(
      "after",
      examples([["millrace state list", "checkpoints, watermarks and how far they lag behind the clock, sizes"]]),
    )
    .action(async (options: PlaceOptions & { all?: true; json?: true }) => {
      const { workspace } = await openToLook(options, terminal);
      try {
        const tasks = (await findTasks(workspace.stateLog, Date.now())).filter(
          ({ isCurrent }) => isCurrent || options.all,
        );
        if (options.json) {
          terminal.out(`${JSON.stringify(tasks, undefined, 2)}\n`);
          return;
        }
        if (tasks.length === 0) {
          terminal.out("No function has committed anything yet.\n");
          return;
        }
        const rows = tasks.map((task) => [
          task.functionName,
          `${task.topic}-${task.partition}${task.isCurrent ? "" : ` (generation ${task.generation})`}`,
          showCount(task.commits),
          task.checkpoint < 0 ? "–" : showCount(task.checkpoint),
          showTime(task.watermarkMs ?? null),
          task.lagMs === undefined ? "–" : showDuration(task.lagMs),
          showHolders(task),
          showBytesSize(task.entryBytes),
          showBytesSize(task.chunkBytes),
          showTime(task.wakeAtMs ?? null),
        ]);
        terminal.out(formatTable(HEADS, rows, [2, 3, 5, 7, 8]));
      } finally {
        await workspace.close();
      }
    });
}

/** Whose watermark a task waits for. */
function showHolders({ heldBackBy, upstream, idle }: TaskSummary): string {
  if (upstream.length === 0) return idle ? "(idle)" : "–";
  const [first, ...others] = heldBackBy;
  if (first === undefined) return "(all idle)";
  return others.length === 0 ? first : `${first} and ${showCount(others.length)} more`;
}
