/** The folder of an application that runs here: one SQLite file with its topics and its state, and a lock for who runs it. */

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Broker } from "../kafka/broker.ts";
import { openDatabase } from "../state-log/sqlite-database.ts";
import { SqliteStateLog } from "../state-log/sqlite-state-log.ts";
import type { StateLog } from "../state-log/state-log.ts";
import { MillraceError } from "../stream/error.ts";
import { SqliteTableStore } from "../tables/sqlite-table-store.ts";
import type { TableStore } from "../tables/table-store.ts";
import type { Application } from "./application.ts";
import type { AppendNotices } from "./broker-rules.ts";
import { SqliteBroker } from "./sqlite-broker.ts";

export type Workspace = {
  readonly broker: Broker & Partial<AppendNotices>;
  readonly stateLog: StateLog;
  /** Absent where the application writes no tables. */
  readonly tables?: TableStore;
  close(): Promise<void>;
};

const DATABASE_FILE = "millrace.db";
const LOCK_FILE = "lock.db";

/** SQLite's primary result code for a file that somebody else has locked. */
const SQLITE_BUSY = 5;

/** Whether `folder` holds topics and state. */
export function hasWorkspace(folder: string): boolean {
  return existsSync(join(folder, DATABASE_FILE));
}

/**
 * Opens the workspace in `folder`, made where there is none, with the topics of `application`. `exclusive`: nobody else may do the same until it is closed
 * or the process is gone, however it ends. Throws a MillraceError "state-unusable" for a folder that is locked, damaged or newer, and "kafka" where a
 * topic exists with another number of partitions.
 */
export async function openWorkspace(
  application: Application | undefined,
  { folder, exclusive }: { readonly folder: string; readonly exclusive: boolean },
): Promise<Workspace> {
  makeFolder(folder);
  const unlock = exclusive ? lock(folder) : () => {};
  let database: DatabaseSync | undefined;
  try {
    database = openDatabase(join(folder, DATABASE_FILE));
    const broker = new SqliteBroker(database);
    const stateLog = new SqliteStateLog(database);
    const tables = new SqliteTableStore(database);
    tables.sweep(Date.now());
    if (application !== undefined) await tables.ensureTables(application.topology.tables);
    if (application !== undefined)
      await broker.ensureTopics(
        application.topology.topics.map(({ name, partitions, compacted, retentionMs }) => ({
          name,
          partitions,
          compacted,
          retentionMs,
        })),
      );
    const opened = database;
    return {
      broker,
      stateLog,
      tables,
      async close() {
        await broker.close();
        await stateLog.close();
        if (opened.isOpen) opened.close();
        unlock();
      },
    };
  } catch (error) {
    if (database?.isOpen) database.close();
    unlock();
    throw error;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new MillraceError("state-unusable", `The folder ${folder} cannot be made: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** A lock that the operating system takes back when the process ends, even by kill −9: an open transaction on a file of its own. */
function lock(folder: string): () => void {
  let opened: DatabaseSync | undefined;
  try {
    opened = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 });
    opened.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  } catch (cause) {
    if (opened?.isOpen) opened.close();
    const isTaken = ((cause as { readonly errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY;
    throw new MillraceError(
      "state-unusable",
      isTaken
        ? `Somebody else is running on ${folder}: stop the other \`millrace run\` or \`npm start\`, or choose another folder with --state.`
        : `The folder ${folder} cannot be locked (${(cause as Error).message}): check that its disk has room, and who may write there.`,
      { cause },
    );
  }
  const file = opened;
  return () => {
    if (file.isOpen) file.close();
  };
}
