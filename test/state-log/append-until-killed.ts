/** A process that appends to a state log and prints each acknowledged number, until it is killed. Arguments: file, task. */

import { writeSync } from "node:fs";
import { openDatabase } from "../../lib/state-log/sqlite-database.ts";
import { SqliteStateLog } from "../../lib/state-log/sqlite-state-log.ts";
import { openLog } from "../../lib/state-log/workflow.ts";
import { appendUpTo } from "./entries.ts";

const [file, task] = process.argv.slice(2) as [string, string];
const log = new SqliteStateLog(openDatabase(file));
const { head } = await openLog(log, task);
for (let n = (head?.sequenceNumber ?? 0) + 1; ; n += 1) {
  await appendUpTo(log, task, n, n);
  // Not console.log: what is printed must have left the process before the next append.
  writeSync(1, `${n}\n`);
}
