/**
 * Opens the SQLite file that holds the state log and the topics of the embedded runtime, and turns SQLite's failures into sentences.
 *
 * Invariants:
 * - One file for both, on purpose. With a write-ahead log and `synchronous = NORMAL` a killed process loses nothing that was
 *   acknowledged, and a power failure drops a suffix of all transactions, in order. Since commits and topics share that order, what
 *   remains is a moment that has been: never a commit whose input is gone, nor a result without its commit. Two files would each
 *   lose a suffix of their own.
 * - A file of a newer version, of another program, or damaged, is refused before anything is written to it.
 */

import { DatabaseSync } from "node:sqlite";

import { type ErrorCode, MillraceError } from "../stream/error.ts";

/** The version of all tables in the file, of the state log and of the broker. Raised by whoever changes one incompatibly. */
export const DATABASE_VERSION = 1;

/** Marks a file as ours: "MILL". */
const APPLICATION_ID = 0x4d_49_4c_4c;

/** How long a statement waits for another process that holds the file. */
const BUSY_TIMEOUT_MS = 5_000;

/** What the write-ahead log is cut down to after a large transaction. */
const WAL_BYTES_MAX = 64 * 1024 * 1024;

/** SQLite's primary result codes, https://sqlite.org/rescode.html */
const SQLITE_PERM = 3;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/**
 * Opens or creates the file; its folder must exist. The caller closes it, and keeps others from opening it.
 * Throws "state-unusable" for a file that is locked, damaged, cannot be opened, or was written by a newer version or by another program.
 */
export function openDatabase(file: string, options: { readonly busyTimeoutMs?: number } = {}): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS });
    const opened = database;
    runTransaction(opened, () => claimDatabase(opened, file));
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA journal_size_limit = ${WAL_BYTES_MAX}`);
    database.exec("PRAGMA synchronous = NORMAL");
    return database;
  } catch (error) {
    if (database?.isOpen) {
      database.close();
    }
    throw toMillraceError(error, file, "state-unusable");
  }
}

/** Checks whose file it is, and marks a new one as ours. */
function claimDatabase(database: DatabaseSync, file: string): void {
  const version = readPragma(database, "user_version");
  const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (isEmpty && version === 0) {
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.exec(`PRAGMA user_version = ${DATABASE_VERSION}`);
    return;
  }
  if (readPragma(database, "application_id") !== APPLICATION_ID) {
    throw new MillraceError(
      "state-unusable",
      `${file} is a database of another program; name a file or folder that is new or was made by Millrace.`,
    );
  }
  if (version > DATABASE_VERSION) {
    throw new MillraceError(
      "state-unusable",
      `${file} was written by a newer version of Millrace (its format is ${version}, this version knows up to ${DATABASE_VERSION}). Run that version, or start with a new folder.`,
    );
  }
}

function readPragma(database: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** Runs statements that become true together or not at all. `action` must not await: the connection has one transaction at a time. */
export function runTransaction<T>(database: DatabaseSync, action: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = action();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // SQLite has already rolled back after some errors, a full disk among them.
    if (database.isTransaction) {
      database.exec("ROLLBACK");
    }
    throw error;
  }
}

/**
 * Runs statements, and throws what SQLite throws as a sentence.
 *
 * @param code what the port promises to throw: "state-store" for the log, "kafka" for the broker. A damaged or unwritable file is
 *   "state-unusable" in both: repeating does not help.
 */
export function runOnDatabase<T>(database: DatabaseSync, code: ErrorCode, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw toMillraceError(error, database.isOpen ? (database.location() ?? ":memory:") : "The database", code);
  }
}

function toMillraceError(error: unknown, file: string, code: ErrorCode): unknown {
  if (!(error instanceof Error) || !("code" in error)) {
    return error;
  }
  if (error.code === "ERR_INVALID_STATE") {
    return new MillraceError(code, `${file} is no longer open.`, { cause: error });
  }
  if (error.code !== "ERR_SQLITE_ERROR" || !("errcode" in error) || typeof error.errcode !== "number") {
    return error;
  }
  // The low byte is the primary code, the rest says more of the same.
  const { errcode } = error;
  switch (errcode & 0xff) {
    case SQLITE_FULL:
      return new MillraceError(
        code,
        `The disk that holds ${file} is full. Free some space and start again: nothing that was committed is lost.`,
        { cause: error },
      );
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return new MillraceError(
        code,
        `${file} is locked by another process. Wait for it or stop it, then start again.`,
        { cause: error },
      );
    case SQLITE_CORRUPT:
      return new MillraceError(
        "state-unusable",
        `${file} is damaged (${error.message}). Restore it from a backup, or start with a new folder.`,
        { cause: error },
      );
    case SQLITE_NOTADB:
      return new MillraceError(
        "state-unusable",
        `${file} is not a database. Name a file or folder that is new or was made by Millrace.`,
        { cause: error },
      );
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return new MillraceError(
        "state-unusable",
        `${file} cannot be opened for writing. Check that its folder exists and who may write there.`,
        { cause: error },
      );
    default:
      return new MillraceError(code, `${file} could not be read or written: ${error.message} (SQLite ${errcode}).`, {
        cause: error,
      });
  }
}
