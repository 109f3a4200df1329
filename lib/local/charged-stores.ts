/**
 * Stores in memory that charge as DynamoDB does: the log that runs on Lambda over a simulated DynamoDB, and tables of rows whose puts are counted. What is
 * said of cost without an account is measured on them. Loading this file loads the AWS SDK.
 */

import { PERFECT_NETWORK } from "../simulation/network.ts";
import { SimulatedDynamoDb } from "../simulation/simulated-dynamodb.ts";
import { DynamoDbTable } from "../state-log/dynamodb-client.ts";
import { itemBytesOf } from "../state-log/dynamodb-items.ts";
import { DynamoDbStateLog } from "../state-log/dynamodb-state-log.ts";
import { DynamoDbUnits, WRITE_UNIT_BYTES } from "../state-log/dynamodb-units.ts";
import type { StateLog, StoreUnits } from "../state-log/state-log.ts";
import type { TablePlan } from "../stream/plan.ts";
import { MemoryTableStore } from "../tables/memory-table-store.ts";
import type { StoredRow, TableStore } from "../tables/table-store.ts";
import { type Row, type RowVersion, rowBytes } from "../wire/row.ts";

const TABLE = "state";
/** Writer, version, clock and their names, which each row has beside its own attributes. */
const ROW_OWN_BYTES = 120;

export class ChargedStores {
  readonly #dynamoDb: SimulatedDynamoDb;

  constructor(now: () => number) {
    this.#dynamoDb = new SimulatedDynamoDb({ now, tables: [TABLE] });
  }

  /** The log as one environment has it; all are over the same table. */
  newStateLog(): StateLog & { readonly units: StoreUnits } {
    return new DynamoDbStateLog(new DynamoDbTable({ table: TABLE, client: this.#dynamoDb.client(PERFECT_NETWORK) }));
  }

  /** What lies in the table of state. */
  stateBytes(): number {
    return this.#dynamoDb.items().reduce((sum, { item }) => sum + itemBytesOf(item), 0);
  }
}

/** Tables of rows in memory that charge a put as DynamoDB does one that takes the place of nothing larger. */
export class ChargedTableStore implements TableStore {
  readonly #rows: TableStore;
  readonly #units = new DynamoDbUnits();

  constructor(rows: TableStore = new MemoryTableStore()) {
    this.#rows = rows;
  }

  get units(): StoreUnits {
    return this.#units.counts;
  }

  async put(table: string, rows: readonly Row[], version: RowVersion, task: string): Promise<void> {
    for (const row of rows) this.#units.addWrite(task, Math.ceil((rowBytes(row) + ROW_OWN_BYTES) / WRITE_UNIT_BYTES));
    await this.#rows.put(table, rows, version, task);
  }

  ensureTables(tables: readonly TablePlan[]): Promise<void> {
    return this.#rows.ensureTables(tables);
  }

  read(table: TablePlan, nowMs: number): AsyncIterable<StoredRow> {
    return this.#rows.read(table, nowMs);
  }

  takeUnits(task: string): StoreUnits {
    return this.#units.take(task);
  }

  close(): Promise<void> {
    return this.#rows.close();
  }
}
