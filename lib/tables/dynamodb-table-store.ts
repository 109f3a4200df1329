/** Tables of rows in DynamoDB: one put per row under its condition, some side by side; with deadlines, bounded attempts, and units counted. */

import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import {
  type AwsSettings,
  CALL_TIMEOUTS,
  type CallTimeouts,
  callWithin,
  placeOf,
  toClientConfig,
} from "../state-log/aws-call.ts";
import { toAwsFailure } from "../state-log/aws-failure.ts";
import type { DynamoDbClient } from "../state-log/dynamodb-client.ts";
import { toStoreFailure } from "../state-log/dynamodb-failure.ts";
import { isActive, TABLE_LOOK_MS, TABLE_LOOKS_MAX } from "../state-log/dynamodb-table.ts";
import { DynamoDbUnits, WRITE_UNIT_BYTES } from "../state-log/dynamodb-units.ts";
import { forEachLimited } from "../state-log/for-each-limited.ts";
import type { StoreUnits } from "../state-log/state-log.ts";
import type { KeyAttribute } from "../stream/dynamo-table.ts";
import { MillraceError } from "../stream/error.ts";
import type { TablePlan } from "../stream/plan.ts";
import { type Row, type RowVersion, rowBytes } from "../wire/row.ts";
import { fromRowItem, type Item, rowCondition, toRowItem } from "./dynamodb-rows.ts";
import { assertKeys } from "./table-keys.ts";
import type { StoredRow, TableStore } from "./table-store.ts";

export type DynamoDbTableSettings = AwsSettings & {
  /** The table of the application's state logs: names of others begin with its. */
  readonly stateTable: string;
  readonly timeouts?: Partial<CallTimeouts>;
  /** Carries the requests, and keeps to time-outs by itself. Default: the AWS SDK's, as the settings above say. */
  readonly client?: DynamoDbClient;
};

/** Puts of one commit under way at a time. */
const PARALLEL_MAX = 16;
/** Attempts at one put that is throttled, beside those of the SDK, and the wait before the second; each further one is twice as long. */
const THROTTLED_ATTEMPTS_MAX = 6;
const THROTTLED_WAIT_MS = 50;

const KEY_TYPES = { string: "S", number: "N", binary: "B" } as const;

/** A table's name in DynamoDB. No name of an application has a dot, so those of two never meet. */
export function nameOfTable(stateTable: string, name: string): string {
  return `${stateTable}.${name}`;
}

export class DynamoDbTableStore implements TableStore {
  readonly units = new DynamoDbUnits();
  readonly #stateTable: string;
  readonly #client: DynamoDbClient;
  readonly #at: string;
  readonly #callMs: number;

  /** Connects with the first call. */
  constructor(settings: DynamoDbTableSettings) {
    const timeouts = { ...CALL_TIMEOUTS, ...settings.timeouts };
    this.#stateTable = settings.stateTable;
    this.#at = placeOf(settings);
    this.#callMs = timeouts.callMs;
    this.#client = settings.client ?? new DynamoDBClient(toClientConfig(settings, timeouts));
  }

  async put(table: string, rows: readonly Row[], version: RowVersion, task: string): Promise<void> {
    const name = this.#nameOf(table);
    const condition = rowCondition(version);
    await forEachLimited(rows, PARALLEL_MAX, (row) =>
      this.#againWhileThrottled(() => this.#put(name, row, toRowItem(row, version), condition, task)),
    );
  }

  async ensureTables(tables: readonly TablePlan[]): Promise<void> {
    for (const table of tables) await this.#ensure(table);
  }

  async *read(table: TablePlan, nowMs: number): AsyncIterable<StoredRow> {
    const name = this.#nameOf(table.name);
    let from: Item | undefined;
    // Ends: every page starts behind the one before it.
    do {
      const command = new ScanCommand({
        TableName: name,
        ConsistentRead: true,
        ...(from !== undefined && { ExclusiveStartKey: from }),
      });
      const page = await this.#call("Scan", name, (signal) => this.#client.send(command, signal));
      for (const item of page.Items ?? []) {
        const row = fromRowItem(item, table);
        if (row !== undefined && (row.expiresAt === null || row.expiresAt * 1_000 > nowMs)) yield row;
      }
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
  }

  takeUnits(task: string): StoreUnits {
    return this.units.take(task);
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  /** Puts a row. That it is there already, or a later one, is as good. */
  async #put(
    name: string,
    row: Row,
    item: Item,
    condition: ReturnType<typeof rowCondition>,
    task: string,
  ): Promise<void> {
    const command = new PutItemCommand({
      TableName: name,
      Item: item,
      ReturnConsumedCapacity: "TOTAL",
      ...condition,
    });
    await this.#call("PutItem", name, async (signal) => {
      try {
        const answer = await this.#client.send(command, signal);
        this.units.addWrite(task, answer.ConsumedCapacity?.CapacityUnits ?? 0);
        return answer;
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "ConditionalCheckFailedException") throw error;
        // Charged for the larger of both, of which only one is known.
        this.units.addRefused(task, Math.ceil(Math.max(rowBytes(row), 1) / WRITE_UNIT_BYTES));
        return error as Error & { readonly $metadata: { readonly attempts?: number } };
      }
    });
  }

  async #againWhileThrottled(put: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++)
      try {
        return await put();
      } catch (error) {
        const { cause } = error as Error;
        const isThrottled = cause instanceof Error && toAwsFailure(cause).kind === "throttled";
        if (!isThrottled || attempt === THROTTLED_ATTEMPTS_MAX) throw error;
        await sleep(THROTTLED_WAIT_MS * 2 ** (attempt - 1));
      }
  }

  async #ensure(table: TablePlan): Promise<void> {
    const name = this.#nameOf(table.name);
    const keys = [table.partitionKey, ...(table.sortKey === undefined ? [] : [table.sortKey])];
    await this.#create(name, keys);
    const description = await this.#expectActive(name);
    assertKeys(name, showKeysOf(description), table);
    await this.#ensureTimeToLive(name, table.ttlAttribute);
  }

  /** Makes a table unless it is there. On AWS the stack makes it instead. */
  async #create(name: string, keys: readonly KeyAttribute[]): Promise<void> {
    const command = new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: keys.map((key) => ({ AttributeName: key.name, AttributeType: KEY_TYPES[key.type] })),
      KeySchema: keys.map((key, i) => ({ AttributeName: key.name, KeyType: i === 0 ? "HASH" : "RANGE" })),
    });
    try {
      await this.#call("CreateTable", name, (signal) => this.#client.send(command, signal));
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof Error) || cause.name !== "ResourceInUseException") throw error;
    }
  }

  async #expectActive(name: string): Promise<TableDescription | undefined> {
    const command = new DescribeTableCommand({ TableName: name });
    for (let look = 0; look < TABLE_LOOKS_MAX; look += 1) {
      const { Table } = await this.#call("DescribeTable", name, (signal) => this.#client.send(command, signal));
      if (isActive(Table)) return Table;
      await sleep(TABLE_LOOK_MS);
    }
    throw new MillraceError(
      "state-store",
      `Table "${name}" was created ${(TABLE_LOOKS_MAX * TABLE_LOOK_MS) / 1_000} seconds ago and is still not ready. Wait for it, then start again.`,
    );
  }

  async #ensureTimeToLive(name: string, attribute: string): Promise<void> {
    const describe = new DescribeTimeToLiveCommand({ TableName: name });
    const { TimeToLiveDescription: found } = await this.#call("DescribeTimeToLive", name, (signal) =>
      this.#client.send(describe, signal),
    );
    if (found?.TimeToLiveStatus === "ENABLED" || found?.TimeToLiveStatus === "ENABLING") return;
    const update = new UpdateTimeToLiveCommand({
      TableName: name,
      TimeToLiveSpecification: { Enabled: true, AttributeName: attribute },
    });
    await this.#call("UpdateTimeToLive", name, (signal) => this.#client.send(update, signal));
  }

  async #call<T extends { readonly $metadata?: { readonly attempts?: number | undefined } }>(
    operation: string,
    table: string,
    send: (options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    try {
      const answer = await callWithin(this.#callMs, (abortSignal) => send({ abortSignal }));
      this.units.addCall(answer.$metadata?.attempts ?? 1);
      return answer;
    } catch (error) {
      throw toStoreFailure(error, { table, at: this.#at, operation, deadlineMs: this.#callMs });
    }
  }

  #nameOf(name: string): string {
    return nameOfTable(this.#stateTable, name);
  }
}

/** As `showKeys` has those of a declaration. */
function showKeysOf(description: TableDescription | undefined): string {
  const types = new Map(
    description?.AttributeDefinitions?.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
  const typeOf = (name: string | undefined) =>
    Object.entries(KEY_TYPES).find(([, letter]) => letter === types.get(name))?.[0] ?? "unknown";
  const schema = description?.KeySchema ?? [];
  return ["HASH", "RANGE"]
    .flatMap((kind) => schema.filter(({ KeyType }) => KeyType === kind))
    .map(({ AttributeName }) => `${AttributeName} (${typeOf(AttributeName)})`)
    .join(", ");
}
