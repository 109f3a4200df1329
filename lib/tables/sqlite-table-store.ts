/** Tables of rows in the SQLite file of the embedded runtime, beside topics and state. */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { runOnDatabase, runTransaction } from "../state-log/sqlite-database.ts";
import type { TablePlan } from "../stream/plan.ts";
import type { Attributes } from "../wire/attributes.ts";
import { keyText, type Row, type RowVersion } from "../wire/row.ts";
import { assertKeys, showKeys } from "./table-keys.ts";
import type { StoredRow, TableStore } from "./table-store.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS tables_names (
    name TEXT PRIMARY KEY, keys TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tables_rows (
    name TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, attributes TEXT, expires_at INTEGER,
    writer TEXT NOT NULL, version TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (name, id)
  ) STRICT, WITHOUT ROWID;
`;

const SQL = {
  keysOf: "SELECT keys FROM tables_names WHERE name = ?",
  addTable: "INSERT INTO tables_names (name, keys) VALUES (?, ?)",
  // As `replaces` has it.
  put: `INSERT INTO tables_rows (name, id, key, attributes, expires_at, writer, version, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET key = excluded.key, attributes = excluded.attributes, expires_at = excluded.expires_at,
      writer = excluded.writer, version = excluded.version, at_ms = excluded.at_ms
    WHERE CASE WHEN writer = excluded.writer THEN version < excluded.version ELSE at_ms < excluded.at_ms END`,
  read: `SELECT id, key, attributes, expires_at AS expiresAt, writer, version, at_ms AS atMs FROM tables_rows
    WHERE name = :name AND id > :after AND attributes IS NOT NULL AND (expires_at IS NULL OR expires_at * 1000 > :nowMs)
    ORDER BY id LIMIT ${1_000}`,
  sweep: "DELETE FROM tables_rows WHERE expires_at < ?",
} as const;

/** DynamoDB takes days to delete what has expired; here it is done by whoever opens the file to write, a day late. */
const SWEEP_AFTER_SECONDS = 24 * 3_600;

type RowFound = {
  readonly id: string;
  readonly key: string;
  readonly attributes: string;
  readonly expiresAt: number | null;
  readonly writer: string;
  readonly version: string;
  readonly atMs: number;
};

export class SqliteTableStore implements TableStore {
  readonly #database: DatabaseSync;
  readonly #statements: { readonly [K in keyof typeof SQL]: StatementSync };

  /** `database` is open, and stays the caller's: `close` does not close it. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = runOnDatabase(database, "state-store", () => {
      database.exec(SCHEMA);
      const prepared = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)]);
      return Object.fromEntries(prepared) as { [K in keyof typeof SQL]: StatementSync };
    });
  }

  async put(table: string, rows: readonly Row[], { writer, order, atMs }: RowVersion): Promise<void> {
    this.#transaction(() => {
      for (const { key, attributes, expiresAt } of rows)
        this.#statements.put.run(
          table,
          keyText(key),
          JSON.stringify(key),
          attributes === null ? null : JSON.stringify(attributes),
          expiresAt,
          writer,
          order,
          atMs,
        );
    });
  }

  async ensureTables(tables: readonly TablePlan[]): Promise<void> {
    this.#transaction(() => {
      for (const table of tables) {
        const found = this.#statements.keysOf.get(table.name) as { keys: string } | undefined;
        if (found === undefined) this.#statements.addTable.run(table.name, showKeys(table));
        else assertKeys(table.name, found.keys, table);
      }
    });
  }

  async *read({ name }: TablePlan, nowMs: number): AsyncIterable<StoredRow> {
    for (let after = ""; ; ) {
      const found = runOnDatabase(this.#database, "state-store", () =>
        this.#statements.read.all({ name, after, nowMs }),
      ) as RowFound[];
      for (const { key, attributes, expiresAt, writer, version, atMs } of found)
        yield {
          key: JSON.parse(key) as Attributes,
          attributes: JSON.parse(attributes) as Attributes,
          expiresAt,
          version: { writer, order: version, atMs },
        };
      const last = found.at(-1);
      if (last === undefined) return;
      after = last.id;
    }
  }

  /** Deletes what expired long ago. */
  sweep(nowMs: number): void {
    this.#transaction(() => this.#statements.sweep.run(Math.floor(nowMs / 1_000) - SWEEP_AFTER_SECONDS));
  }

  async close(): Promise<void> {}

  #transaction(work: () => void): void {
    runOnDatabase(this.#database, "state-store", () => runTransaction(this.#database, work));
  }
}
