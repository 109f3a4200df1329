/**
 * A DynamoDB in memory for clients on simulated networks: the requests of the AWS SDK's commands, without HTTP, answered as AWS may answer them at worst.
 *
 * 1. A request takes effect in one go at the moment of its arrival, on its table as it is then; a condition is evaluated, whatever it says. What the
 *    simulation does not know throws, and stays in `unknown`: a run in which that is not empty proves nothing.
 * 2. A request may be refused, fail or be repeated on its way (simulated-aws-call.ts), so that a put may meet its own item.
 * 3. Reads are no snapshots: simulated-dynamodb-reads.ts. "read-torn": the items of a page as of several moments.
 */

import { CALL_TIMEOUTS } from "../state-log/aws-call.ts";
import type { DynamoDbClient } from "../state-log/dynamodb-client.ts";
import { entriesOf, GENERATIONS, type Item, LISTING } from "../state-log/dynamodb-items.ts";
import { createTableCommand } from "../state-log/dynamodb-table.ts";
import type { Network } from "./network.ts";
import { type AwsService, carry, carryRepeatedly, type Sent, toSdkError } from "./simulated-aws-call.ts";
import { NotSimulatedError, SimulatedServiceError } from "./simulated-aws-errors.ts";
import { type Glance, getItem, glance, type Query, toPage, toQuery } from "./simulated-dynamodb-reads.ts";
import {
  type Answer,
  checkKnown,
  deleteItem,
  putItem,
  type Request,
  toAnswer,
  updateItem,
} from "./simulated-dynamodb-requests.ts";
import { type ItemKey, SimulatedTable, type TableSchema, type Write } from "./simulated-dynamodb-table.ts";
import type { StoredItem } from "./simulated-dynamodb-values.ts";

/** Everything that lay in the tables at one moment. */
export type Backup = readonly (ItemKey & { readonly table: string; readonly stored: StoredItem })[];

export type SimulatedDynamoDbOptions = {
  /** Epoch milliseconds of the world: how old a version of an item is. */
  readonly now: () => number;
  /** Tables of Millrace's that are there from the start. */
  readonly tables?: readonly string[];
};

/** A request on its way. */
type SentCommand = Sent & { readonly operation: string; readonly request: Request };

const WRITES = new Set(["PutItem", "UpdateItem", "DeleteItem"]);

/** Moments of a page that is no snapshot. */
const MOMENTS_MIN = 2;
const MOMENTS_MAX = 4;

const KINDS: readonly (readonly [prefix: string, kind: string])[] = [
  ["entries#", " entry"],
  ["chunks#", " chunk"],
  ["parts#", " parts"],
  [LISTING, " listing"],
  [GENERATIONS, " generation"],
];

export class SimulatedDynamoDb {
  /** What was asked of it that it does not know. */
  readonly unknown: Error[] = [];
  /** What it refused as wrong, whatever lay there: a mistake of who sent it, unless the item was meant to be too large. */
  readonly invalid: Error[] = [];
  readonly #now: () => number;
  readonly #service: AwsService;
  readonly #tables = new Map<string, SimulatedTable>();
  readonly #observers: ((write: Write) => void)[] = [];

  constructor({ now, tables = [] }: SimulatedDynamoDbOptions) {
    this.#now = now;
    this.#service = {
      now,
      throttled: "ProvisionedThroughputExceededException",
      broken: "InternalServerError",
      starts: 1,
      unknown: this.unknown,
      invalid: this.invalid,
    };
    for (const name of tables) this.#createTable(createTableCommand(name).input as Request & TableSchema);
  }

  /** The client of one execution environment. `deadlineMs`: of each call, with all its attempts. */
  client(network: Network, deadlineMs: number = CALL_TIMEOUTS.callMs): DynamoDbClient {
    const send = (command: { readonly input: object }): Promise<Answer> => {
      const operation = operationOf(command);
      const request = command.input as Request;
      const pk = partitionKeyOf(request);
      const name = nameOf(operation, kindOf(pk));
      // A task's name stands at the end, whatever it is that is kept there.
      const about = pk?.slice(pk.lastIndexOf("#") + 1);
      return this.#send({ network, operation, request, name, about, endMs: this.#now() + deadlineMs });
    };
    return { send: send as DynamoDbClient["send"], destroy: () => undefined };
  }

  /** Calls `observer` with every write that takes effect from now on, in order. */
  observe(observer: (write: Write) => void): void {
    this.#observers.push(observer);
  }

  /** Restarts it: requests that have not arrived are lost, and nothing else. */
  bounce(): void {
    this.#service.starts += 1;
  }

  /** Every item that there is. Their bytes are not copied: nobody is to change them. */
  items(): readonly (ItemKey & { readonly table: string; readonly item: Readonly<Item> })[] {
    return this.backUp().map(({ table, pk, sk, stored }) => ({ table, pk, sk, item: stored.item }));
  }

  /** The items of a task's entries, by slot. */
  entriesOf(task: string, table?: string): readonly Readonly<Item>[] {
    const { sortKeys, current } = this.#partition(entriesOf(task), table);
    return sortKeys.map((sk) => current(sk)?.item).filter((item) => item !== undefined);
  }

  /** Takes an item away, as somebody at a console would; no observer is told. */
  deleteItem({ pk, sk }: ItemKey, table?: string): void {
    this.#tableNamed(table).replace(pk, sk, undefined);
  }

  backUp(): Backup {
    return [...this.#tables.values()].flatMap((table) =>
      [...table.items()].map((at) => ({ ...at, table: table.name })),
    );
  }

  /** Makes everything what it was in a backup, or only what is chosen; no observer is told. */
  restore(backup: Backup, isChosen: (key: ItemKey) => boolean = () => true): void {
    for (const { table, pk, sk } of this.backUp())
      if (isChosen({ pk, sk })) this.#tableNamed(table).replace(pk, sk, undefined);
    for (const { table, pk, sk, stored } of backup)
      if (isChosen({ pk, sk })) this.#tableNamed(table).replace(pk, sk, stored);
  }

  async #send(sent: SentCommand): Promise<Answer> {
    try {
      checkKnown(sent.operation, sent.request);
      if (sent.operation === "Query") return await this.#query(sent);
      const serve = (attempts: number) => this.#serve(sent, attempts);
      // To repeat a read changes nothing.
      return await (WRITES.has(sent.operation)
        ? carryRepeatedly(this.#service, sent, serve)
        : carry(this.#service, sent, () => serve(1)));
    } catch (error) {
      throw toSdkError(this.#service, error);
    }
  }

  async #query(sent: SentCommand): Promise<Answer> {
    const { network, request } = sent;
    const replicas = { network, now: this.#now };
    const isTorn = network.occurs("read-torn");
    const moments = isTorn ? MOMENTS_MIN + network.below(MOMENTS_MAX - MOMENTS_MIN + 1) : 1;
    const glances: Glance[] = [];
    let query: Query;
    for (let moment = 1; moment <= moments; moment += 1) {
      const name = moment === 1 ? sent.name : `${sent.name}, once more`;
      await carry(this.#service, { ...sent, name }, () => {
        query ??= toQuery(this.#tableNamed(request.TableName), request);
        glances.push(glance(query, replicas));
      });
    }
    return toPage(query!, glances, network, 1);
  }

  #serve({ network, operation, request }: SentCommand, attempts: number): Answer {
    if (operation === "CreateTable") return this.#createTable(request as Request & TableSchema);
    const table = this.#tableNamed(request.TableName);
    switch (operation) {
      case "DescribeTable":
        return toAnswer(table, request, attempts, 0, { Table: { ...table.schema, TableStatus: "ACTIVE" } });
      case "PutItem":
        return putItem(table, request, attempts);
      case "UpdateItem":
        return updateItem(table, request, attempts);
      case "DeleteItem":
        return deleteItem(table, request, attempts);
      case "GetItem":
        return getItem(table, request, { network, now: this.#now }, attempts);
      default:
        throw new NotSimulatedError(operation);
    }
  }

  /** Ready at once, which a real one is not. */
  #createTable(request: Request & TableSchema): Answer {
    const { TableName: name = "", KeySchema, AttributeDefinitions } = request;
    if (this.#tables.has(name))
      throw new SimulatedServiceError("ResourceInUseException", `Table already exists: ${name}`);
    const observe = (write: Write) => {
      for (const observer of this.#observers) observer(write);
    };
    const table = new SimulatedTable(name, { KeySchema, AttributeDefinitions }, this.#now, observe);
    this.#tables.set(name, table);
    return toAnswer(table, request, 1, 0, { TableDescription: { ...table.schema, TableStatus: "ACTIVE" } });
  }

  /** Without a name the first there is: a world has one. */
  #tableNamed(name: string | undefined): SimulatedTable {
    const table = name === undefined ? this.#tables.values().next().value : this.#tables.get(name);
    if (table !== undefined) return table;
    throw new SimulatedServiceError("ResourceNotFoundException", "Cannot do operations on a non-existent table");
  }

  #partition(pk: string, table: string | undefined) {
    const found = this.#tableNamed(table);
    return { sortKeys: found.sortKeysOf(pk), current: (sk: string) => found.current(pk, sk) };
  }
}

const operations = new Map<unknown, string>();

/** What a command asks for: said by the name of its class. */
function operationOf(command: object): string {
  let operation = operations.get(command.constructor);
  if (operation === undefined) {
    operation = command.constructor.name.replace(/Command$/, "");
    operations.set(command.constructor, operation);
  }
  return operation;
}

const names = new Map<string, Map<string, string>>();

/** What an operation on a kind of item is called; put together once. */
function nameOf(operation: string, kind: string): string {
  const known = names.get(operation) ?? new Map<string, string>();
  names.set(operation, known);
  let name = known.get(kind);
  if (name === undefined) {
    name = `${operation}${kind}`;
    known.set(kind, name);
  }
  return name;
}

function partitionKeyOf({ Item: item, Key: key, ExpressionAttributeValues: values }: Request): string | undefined {
  return (item ?? key)?.pk?.S ?? values?.[":pk"]?.S;
}

/** What kind of item the request is about. */
function kindOf(pk: string | undefined): string {
  if (pk === undefined) return "";
  return KINDS.find(([prefix]) => pk.startsWith(prefix))?.[1] ?? " item";
}
