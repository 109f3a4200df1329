/** `millrace topics list`: topics with their partitions and how many records they hold. */

import { type Command, Option } from "commander";
import { examples } from "../help.ts";
import { openToLook, type PlaceOptions, placeCommand } from "../place.ts";
import { showCount } from "../printable.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";

export function topicsListCommand(terminal: Terminal): Command {
  return placeCommand("list")
    .description("List the topics: declared ones, shuffles and dead letters.")
    .addOption(new Option("--json", "as JSON"))
    .addHelpText("after", examples([["millrace topics list", "with their partitions and records"]]))
    .action(async (options: PlaceOptions & { json?: true }) => {
      const { application, workspace } = await openToLook(options, terminal);
      try {
        const kinds = new Map(application?.topology.topics.map(({ name, kind }) => [name, kind]));
        const topics = [];
        for (const { name, partitions } of await workspace.broker.topics()) {
          const ranges = await workspace.broker.offsets(name);
          const records = ranges.reduce((sum, { low, high }) => sum + high - low, 0);
          topics.push({ name, kind: kinds.get(name) ?? "unknown", partitions, records });
        }
        if (options.json) {
          terminal.out(`${JSON.stringify(topics, undefined, 2)}\n`);
          return;
        }
        const rows = topics.map(({ name, kind, partitions, records }) => [
          name,
          kind,
          `${partitions}`,
          showCount(records),
        ]);
        terminal.out(formatTable(["topic", "kind", "partitions", "records"], rows, [2, 3]));
      } finally {
        await workspace.close();
      }
    });
}
