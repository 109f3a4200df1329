/** One table of DynamoDB: every call with its deadlines and bounded attempts, its units counted, and its failures as sentences. */

import { setTimeout as sleep } from "node:timers/promises";
import {
  type AttributeValue,
  type ConsumedCapacity,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { MillraceError } from "../stream/error.ts";
import {
  type AwsSettings,
  CALL_TIMEOUTS,
  type CallTimeouts,
  type Credentials,
  callWithin,
  placeOf,
  toClientConfig,
} from "./aws-call.ts";
import { type CallPlace, toStoreFailure } from "./dynamodb-failure.ts";
import { type Item, itemBytesOf } from "./dynamodb-items.ts";
import {
  assertTable,
  createTableCommand,
  isActive,
  PARTITION_KEY,
  SORT_KEY,
  TABLE_LOOK_MS,
  TABLE_LOOKS_MAX,
} from "./dynamodb-table.ts";
import { DynamoDbUnits, WRITE_UNIT_BYTES } from "./dynamodb-units.ts";

export type Key = { readonly pk: string; readonly sk: string };

/** What is used of the SDK's client. */
export type DynamoDbClient = Pick<DynamoDBClient, "send" | "destroy">;

export type DynamoDbSettings = AwsSettings & {
  readonly table: string;
  /** Default: as the AWS SDK finds them; for an endpoint on this machine some that open nothing. */
  readonly credentials?: Credentials;
  readonly timeouts?: Partial<CallTimeouts>;
  /** Carries the requests, and keeps to time-outs by itself. Default: the AWS SDK's, as the settings above say. */
  readonly client?: DynamoDbClient;
};

/** The access key of AWS's documentation, which opens nothing. DynamoDB Local takes any. */
const EXAMPLE_KEYS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};

export type PutCondition = {
  readonly expression: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values?: Item;
};

export type PutResult =
  | { readonly kind: "stored" }
  /** `found` is the item that refused, as of the moment in which it did. */
  | { readonly kind: "refused"; readonly found: Item | undefined };

type Answer = {
  readonly ConsumedCapacity?: ConsumedCapacity | undefined;
  readonly $metadata: { readonly attempts?: number | undefined };
};

export class DynamoDbTable {
  readonly table: string;
  readonly units = new DynamoDbUnits();
  readonly #client: DynamoDbClient;
  readonly #at: string;
  readonly #callMs: number;
  #closed = false;

  /** Connects with the first call. */
  constructor(settings: DynamoDbSettings) {
    const timeouts = { ...CALL_TIMEOUTS, ...settings.timeouts };
    this.table = settings.table;
    this.#at = placeOf(settings);
    this.#callMs = timeouts.callMs;
    this.#client = settings.client ?? new DynamoDBClient(toClientConfig(settings, timeouts, EXAMPLE_KEYS));
  }

  /** Throws "state-store" where the table is missing, unless it is to be made, and "state-unusable" where it is another's. */
  async open({ create }: { readonly create: boolean }): Promise<void> {
    if (create) {
      await this.#create();
      await this.#expectActive();
    }
    const { Table } = await this.#describe();
    assertTable(this.table, Table);
  }

  /** Puts an item, under a condition if one is given. `task`: whom to charge. */
  async put(task: string | undefined, item: Item, condition?: PutCondition): Promise<PutResult> {
    const command = new PutItemCommand({
      TableName: this.table,
      Item: item,
      ReturnConsumedCapacity: "TOTAL",
      ...conditionOf(condition),
    });
    return this.#write(task, "PutItem", itemBytesOf(item), (signal) => this.#client.send(command, signal));
  }

  /** Sets one attribute under a condition. */
  async update(key: Key, attribute: string, value: AttributeValue, condition: PutCondition): Promise<PutResult> {
    const command = new UpdateItemCommand({
      TableName: this.table,
      Key: keyOf(key),
      UpdateExpression: "SET #set = :set",
      ReturnConsumedCapacity: "TOTAL",
      ...conditionOf({
        ...condition,
        names: { ...condition.names, "#set": attribute },
        values: { ...condition.values, ":set": value },
      }),
    });
    return this.#write(undefined, "UpdateItem", 0, (signal) => this.#client.send(command, signal));
  }

  async delete(task: string | undefined, key: Key): Promise<void> {
    const command = new DeleteItemCommand({
      TableName: this.table,
      Key: keyOf(key),
      ReturnConsumedCapacity: "TOTAL",
    });
    await this.#write(task, "DeleteItem", 0, (signal) => this.#client.send(command, signal));
  }

  /** Reads one item; `consistent`: as of now, for twice the units. */
  async get(task: string | undefined, key: Key, consistent: boolean): Promise<Item | undefined> {
    const command = new GetItemCommand({
      TableName: this.table,
      Key: keyOf(key),
      ConsistentRead: consistent,
      ReturnConsumedCapacity: "TOTAL",
    });
    const answer = await this.#call("GetItem", (signal) => this.#client.send(command, signal));
    this.units.addRead(task, answer.ConsumedCapacity?.CapacityUnits ?? 0);
    return answer.Item;
  }

  /**
   * Reads all items of a partition key, in pages.
   *
   * @param below only those whose sort key is lower
   * @param only only these attributes; it is charged for whole items all the same
   */
  async query(
    task: string | undefined,
    pk: string,
    {
      consistent,
      below,
      only,
    }: { readonly consistent: boolean; readonly below?: string; readonly only?: readonly string[] },
  ): Promise<Item[]> {
    const items: Item[] = [];
    let from: Item | undefined;
    // Ends: every page starts behind the one before it.
    do {
      const command = new QueryCommand({
        TableName: this.table,
        ConsistentRead: consistent,
        KeyConditionExpression: below === undefined ? "#pk = :pk" : "#pk = :pk AND #sk < :sk",
        ExpressionAttributeNames: {
          "#pk": PARTITION_KEY,
          ...(below === undefined ? {} : { "#sk": SORT_KEY }),
          ...Object.fromEntries((only ?? []).map((name) => [`#${name}`, name])),
        },
        ExpressionAttributeValues: { ":pk": { S: pk }, ...(below === undefined ? {} : { ":sk": { S: below } }) },
        ReturnConsumedCapacity: "TOTAL",
        ...(only === undefined ? {} : { ProjectionExpression: only.map((name) => `#${name}`).join(", ") }),
        ...(from === undefined ? {} : { ExclusiveStartKey: from }),
      });
      const answer = await this.#call("Query", (signal) => this.#client.send(command, signal));
      this.units.addRead(task, answer.ConsumedCapacity?.CapacityUnits ?? 0);
      for (const item of answer.Items ?? []) items.push(item);
      from = answer.LastEvaluatedKey;
    } while (from !== undefined);
    return items;
  }

  /** Lets go of the connections; calls fail from now on. */
  close(): void {
    this.#closed = true;
    this.#client.destroy();
  }

  /** A write that a condition may refuse, which is an answer and no failure. */
  async #write(
    task: string | undefined,
    operation: string,
    bytes: number,
    send: (options: { abortSignal: AbortSignal }) => Promise<Answer>,
  ): Promise<PutResult> {
    return this.#call(operation, async (options) => {
      try {
        const answer = await send(options);
        this.units.addWrite(task, answer.ConsumedCapacity?.CapacityUnits ?? 0);
        return { kind: "stored", $metadata: answer.$metadata } as const;
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "ConditionalCheckFailedException") throw error;
        const { Item: found, $metadata } = error as Error & { Item?: Item } & Answer;
        const charged = Math.max(bytes, found === undefined ? 0 : itemBytesOf(found), 1);
        this.units.addRefused(task, Math.ceil(charged / WRITE_UNIT_BYTES));
        return { kind: "refused", found, $metadata } as const;
      }
    }).then(({ $metadata: _, ...result }) => result);
  }

  async #call<T extends { readonly $metadata: Answer["$metadata"] }>(
    operation: string,
    send: (options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const place: CallPlace = { table: this.table, at: this.#at, operation, deadlineMs: this.#callMs };
    if (this.#closed)
      throw new MillraceError("state-store", `The state log in table "${this.table}" is no longer open.`);
    try {
      const answer = await callWithin(this.#callMs, (abortSignal) => send({ abortSignal }));
      this.units.addCall(answer.$metadata.attempts ?? 1);
      return answer;
    } catch (error) {
      throw toStoreFailure(error, place);
    }
  }

  #describe() {
    const command = new DescribeTableCommand({ TableName: this.table });
    return this.#call("DescribeTable", (options) => this.#client.send(command, options));
  }

  /** Makes the table unless it is there. */
  async #create(): Promise<void> {
    try {
      await this.#call("CreateTable", (options) => this.#client.send(createTableCommand(this.table), options));
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof Error) || cause.name !== "ResourceInUseException") throw error;
    }
  }

  async #expectActive(): Promise<void> {
    for (let look = 0; look < TABLE_LOOKS_MAX; look += 1) {
      if (isActive((await this.#describe()).Table)) return;
      await sleep(TABLE_LOOK_MS);
    }
    throw new MillraceError(
      "state-store",
      `Table "${this.table}" was created ${(TABLE_LOOKS_MAX * TABLE_LOOK_MS) / 1_000} seconds ago and is still not ready. Wait for it, then start again.`,
    );
  }
}

function conditionOf(condition: PutCondition | undefined) {
  if (condition === undefined) return {};
  return {
    ConditionExpression: condition.expression,
    ExpressionAttributeNames: condition.names,
    ...(condition.values === undefined ? {} : { ExpressionAttributeValues: condition.values }),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
  };
}

function keyOf({ pk, sk }: Key): Item {
  return { [PARTITION_KEY]: { S: pk }, [SORT_KEY]: { S: sk } };
}
