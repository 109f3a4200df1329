/**
 * State logs in a SQLite file, which they share with the embedded broker.
 *
 * Invariants:
 * - L2, L3: a put is one statement whose condition and write are one transaction; what it acknowledges survives the process.
 * - A chunk never goes back: it is replaced only by one of a later entry.
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";

import { RULES, type Rules } from "./decisions.ts";
import { runOnDatabase, runTransaction } from "./sqlite-database.ts";
import type { Chunk, LogEntry, PutEntryResult, StateLog, TaskHead } from "./state-log.ts";

// Blobs stand last, so that what is listed is read without them.
const TABLES = `
  CREATE TABLE IF NOT EXISTS state_entries (
    task TEXT NOT NULL,
    slot INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    attempt TEXT NOT NULL,
    previous TEXT NOT NULL,
    base INTEGER NOT NULL,
    layout INTEGER NOT NULL,
    self_contained INTEGER NOT NULL,
    wake_at_ms INTEGER,
    meta TEXT NOT NULL,
    changes BLOB NOT NULL,
    outputs BLOB NOT NULL,
    covered INTEGER,
    PRIMARY KEY (task, slot)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS state_chunks (
    task TEXT NOT NULL,
    range TEXT NOT NULL,
    as_of INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (task, range)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS state_generations (
    function TEXT PRIMARY KEY,
    generation INTEGER NOT NULL
  ) STRICT;
`;

type EntryRow = {
  readonly seq: number;
  readonly attempt: string;
  readonly previous: string;
  readonly base: number;
  readonly layout: number;
  readonly self_contained: number;
  readonly wake_at_ms: number | null;
  readonly meta: string;
  readonly changes: Uint8Array;
  readonly outputs: Uint8Array;
  /** null: the same as `base`, as before there were segments. */
  readonly covered: number | null;
};

type ChunkRow = { readonly range: string; readonly as_of: number; readonly bytes: Uint8Array };

type TaskRow = {
  readonly task: string;
  readonly seq: number;
  readonly wake_at_ms: number | null;
  readonly meta: string;
  readonly entry_bytes: number;
  readonly chunk_bytes: number;
};

/** A store of state logs in an open database, whose tables it makes where they are missing. The database stays its opener's to close. */
export class SqliteStateLog implements StateLog {
  readonly #database: DatabaseSync;
  readonly #rules: Rules;
  readonly #statements: ReturnType<typeof prepareStatements>;

  /** Throws "state-store" where the tables cannot be made. */
  constructor(database: DatabaseSync, rules: Rules = RULES) {
    this.#database = database;
    this.#rules = rules;
    this.#statements = this.#run(() => {
      database.exec(TABLES);
      addMissingColumns(database);
      return prepareStatements(database);
    });
  }

  async putEntry(task: string, entry: LogEntry): Promise<PutEntryResult> {
    return this.#run(() => {
      const { sequenceNumber } = entry;
      const slot = this.#rules.slotOf(sequenceNumber);
      const required = this.#rules.requiredInSlot(sequenceNumber);
      const values = {
        task,
        slot,
        seq: sequenceNumber,
        attempt: entry.attemptId,
        previous: entry.previousAttemptId,
        base: entry.base,
        layout: entry.layout,
        self_contained: entry.selfContained ? 1 : 0,
        wake_at_ms: entry.wakeAtMs,
        meta: entry.meta,
        changes: entry.changes,
        outputs: entry.outputs,
        covered: entry.covered === entry.base ? null : entry.covered,
      };
      const { changes } =
        required === undefined
          ? this.#statements.insertEntry.run(values)
          : this.#statements.replaceEntry.run({ ...values, required });
      if (changes === 1) {
        return { kind: "stored" };
      }
      // Read after the refusal: slots only grow, so what is found here is what refused or something later.
      return { kind: "refused", found: this.#readSlot(task, slot) };
    });
  }

  async readEntries(task: string): Promise<readonly LogEntry[]> {
    return this.#run(() => (this.#statements.selectEntries.all(task) as EntryRow[]).map(toEntry));
  }

  async readSlot(task: string, sequenceNumber: number): Promise<LogEntry | undefined> {
    return this.#run(() => this.#readSlot(task, this.#rules.slotOf(sequenceNumber)));
  }

  async putChunk(task: string, chunk: Chunk): Promise<void> {
    this.#run(() => this.#statements.putChunk.run(task, chunk.range, chunk.asOf, chunk.bytes));
  }

  async readChunks(task: string): Promise<readonly Chunk[]> {
    return this.#run(() => (this.#statements.selectChunks.all(task) as ChunkRow[]).map(toChunk));
  }

  async generationOf(functionName: string): Promise<number> {
    return this.#run(() => this.#generationOf(functionName));
  }

  async allotGeneration(functionName: string, after: number): Promise<number> {
    return this.#run(() =>
      runTransaction(this.#database, () => {
        const current = this.#generationOf(functionName);
        if (current !== after) {
          return current;
        }
        this.#statements.putGeneration.run(functionName, after + 1);
        return after + 1;
      }),
    );
  }

  async tasks(): Promise<readonly TaskHead[]> {
    return this.#run(() => (this.#statements.selectTasks.all() as TaskRow[]).map(toTaskHead));
  }

  async close(): Promise<void> {}

  #readSlot(task: string, slot: number): LogEntry | undefined {
    const row = this.#statements.selectSlot.get(task, slot) as EntryRow | undefined;
    return row === undefined ? undefined : toEntry(row);
  }

  #generationOf(functionName: string): number {
    const row = this.#statements.selectGeneration.get(functionName) as { generation: number } | undefined;
    return row?.generation ?? 0;
  }

  #run<T>(action: () => T): T {
    return runOnDatabase(this.#database, "state-store", action);
  }
}

function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    insertEntry: prepare(`
      INSERT INTO state_entries
        (task, slot, seq, attempt, previous, base, layout, self_contained, wake_at_ms, meta, changes, outputs, covered)
      VALUES
        (:task, :slot, :seq, :attempt, :previous, :base, :layout, :self_contained, :wake_at_ms, :meta, :changes, :outputs, :covered)
      ON CONFLICT DO NOTHING`),
    replaceEntry: prepare(`
      UPDATE state_entries
      SET seq = :seq, attempt = :attempt, previous = :previous, base = :base, layout = :layout,
        self_contained = :self_contained, wake_at_ms = :wake_at_ms, meta = :meta, changes = :changes, outputs = :outputs,
        covered = :covered
      WHERE task = :task AND slot = :slot AND seq = :required`),
    selectEntries: prepare("SELECT * FROM state_entries WHERE task = ?"),
    selectSlot: prepare("SELECT * FROM state_entries WHERE task = ? AND slot = ?"),
    putChunk: prepare(`
      INSERT INTO state_chunks (task, range, as_of, bytes) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET as_of = excluded.as_of, bytes = excluded.bytes WHERE as_of < excluded.as_of`),
    selectChunks: prepare("SELECT range, as_of, bytes FROM state_chunks WHERE task = ?"),
    selectGeneration: prepare("SELECT generation FROM state_generations WHERE function = ?"),
    putGeneration: prepare(`
      INSERT INTO state_generations (function, generation) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET generation = excluded.generation`),
    // With a single max(), SQLite takes the plain columns from the row that has it: the head's.
    selectTasks: prepare(`
      SELECT task, max(seq) AS seq, wake_at_ms, meta,
        sum(octet_length(meta) + octet_length(changes) + octet_length(outputs)) AS entry_bytes,
        (SELECT coalesce(sum(octet_length(bytes)), 0) FROM state_chunks WHERE task = state_entries.task) AS chunk_bytes
      FROM state_entries GROUP BY task ORDER BY task`),
  };
}

/** A file of a version before segments has entries without this column. */
function addMissingColumns(database: DatabaseSync): void {
  const columns = database.prepare("PRAGMA table_info(state_entries)").all() as { name: string }[];
  if (!columns.some(({ name }) => name === "covered"))
    database.exec("ALTER TABLE state_entries ADD COLUMN covered INTEGER");
}

function toEntry(row: EntryRow): LogEntry {
  return {
    sequenceNumber: row.seq,
    attemptId: row.attempt,
    previousAttemptId: row.previous,
    base: row.base,
    covered: row.covered ?? row.base,
    layout: row.layout,
    selfContained: row.self_contained === 1,
    meta: row.meta,
    changes: row.changes,
    outputs: row.outputs,
    wakeAtMs: row.wake_at_ms,
  };
}

function toChunk(row: ChunkRow): Chunk {
  return { range: row.range, asOf: row.as_of, bytes: row.bytes };
}

function toTaskHead(row: TaskRow): TaskHead {
  return {
    task: row.task,
    sequenceNumber: row.seq,
    wakeAtMs: row.wake_at_ms,
    meta: row.meta,
    entryBytes: row.entry_bytes,
    chunkBytes: row.chunk_bytes,
  };
}
