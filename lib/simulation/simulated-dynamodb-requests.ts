/** What the simulated DynamoDB does for each operation at the moment in which its request arrives, by AWS's rules and at AWS's prices. */

import type { Item } from "../state-log/dynamodb-items.ts";
import { NotSimulatedError, SimulatedServiceError, toValidationError } from "./simulated-aws-errors.ts";
import {
  checkOperands,
  checkScope,
  type Expression,
  meets,
  namesOf,
  readCondition,
  readUpdate,
  type Scope,
} from "./simulated-dynamodb-expressions.ts";
import type { ItemKey, SimulatedTable } from "./simulated-dynamodb-table.ts";
import {
  fromStoredItem,
  ITEM_BYTES_LIMIT,
  type StoredItem,
  textBytesOf,
  toStoredItem,
  toStoredValue,
  type Value,
} from "./simulated-dynamodb-values.ts";

/** The input of a command of the AWS SDK. */
export type Request = {
  readonly TableName?: string;
  readonly Item?: Item;
  readonly Key?: Item;
  readonly ConsistentRead?: boolean;
  readonly ConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly KeyConditionExpression?: string;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, Value>>;
  readonly ExclusiveStartKey?: Item;
  readonly ReturnConsumedCapacity?: string;
  readonly ReturnValuesOnConditionCheckFailure?: string;
};

export type Answer = {
  readonly $metadata: { readonly httpStatusCode: number; readonly attempts: number };
  readonly [field: string]: unknown;
};

const EXPRESSION_FIELDS = ["ExpressionAttributeNames", "ExpressionAttributeValues"];
const CONDITION_FIELDS = ["ConditionExpression", "ReturnValuesOnConditionCheckFailure", ...EXPRESSION_FIELDS];
const ITEM_FIELDS = ["TableName", "ReturnConsumedCapacity"];

const KNOWN_FIELDS: Readonly<Record<string, ReadonlySet<string>>> = {
  PutItem: new Set([...ITEM_FIELDS, "Item", ...CONDITION_FIELDS]),
  UpdateItem: new Set([...ITEM_FIELDS, "Key", "UpdateExpression", ...CONDITION_FIELDS]),
  DeleteItem: new Set([...ITEM_FIELDS, "Key", ...CONDITION_FIELDS]),
  GetItem: new Set([...ITEM_FIELDS, "Key", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"]),
  Query: new Set([
    ...ITEM_FIELDS,
    "ConsistentRead",
    "KeyConditionExpression",
    "ProjectionExpression",
    "ExclusiveStartKey",
    ...EXPRESSION_FIELDS,
  ]),
  CreateTable: new Set(["TableName", "BillingMode", "AttributeDefinitions", "KeySchema"]),
  DescribeTable: new Set(["TableName"]),
};

const WRITE_UNIT_BYTES = 1024;
const PARTITION_KEY_BYTES_MAX = 2048;
const SORT_KEY_BYTES_MAX = 1024;

/** Throws for operations and fields of which the simulation knows nothing. */
export function checkKnown(operation: string, request: Request): void {
  const known = KNOWN_FIELDS[operation];
  if (known === undefined) throw new NotSimulatedError(operation);
  for (const field in request) if (!known.has(field)) throw new NotSimulatedError(`the field ${field} of ${operation}`);
  const { ReturnConsumedCapacity: capacity = "TOTAL", ReturnValuesOnConditionCheckFailure: found = "ALL_OLD" } =
    request;
  if (capacity !== "TOTAL" || found !== "ALL_OLD") throw new NotSimulatedError(`${capacity} with ${found}`);
}

/** The names of the table's key: both are there and texts, as in every table of Millrace. */
export function keyNamesOf({ schema }: SimulatedTable): ItemKey {
  const [pk, sk] = schema.KeySchema.map(({ AttributeName }) => AttributeName);
  const areTexts = schema.AttributeDefinitions.every(({ AttributeType }) => AttributeType === "S");
  if (pk === undefined || sk === undefined || !areTexts) throw new NotSimulatedError("items of tables with such a key");
  return { pk, sk };
}

/** The key of an item, checked as AWS checks it. */
function keyOf(table: SimulatedTable, item: Item): ItemKey {
  const names = keyNamesOf(table);
  const pk = keyTextOf(names.pk, item);
  const sk = keyTextOf(names.sk, item);
  if (isLonger(pk, PARTITION_KEY_BYTES_MAX))
    throw toValidationError(`Size of hashkey has exceeded the maximum size limit of ${PARTITION_KEY_BYTES_MAX} bytes`);
  if (isLonger(sk, SORT_KEY_BYTES_MAX))
    throw toValidationError(
      `Aggregated size of all range keys has exceeded the size limit of ${SORT_KEY_BYTES_MAX} bytes`,
    );
  return { pk, sk };
}

/** The key that a request names, and nothing besides. */
export function requestedKeyOf(table: SimulatedTable, key: Item | undefined): ItemKey {
  if (key === undefined || Object.keys(key).length !== 2)
    throw toValidationError("The provided key element does not match the schema");
  return keyOf(table, key);
}

export function putItem(table: SimulatedTable, request: Request, attempts: number): Answer {
  if (request.Item === undefined) throw toValidationError("Value null at 'item' failed to satisfy constraint");
  const { pk, sk } = keyOf(table, request.Item);
  const stored = toStoredItem(request.Item);
  checkSize(stored, "Item size has exceeded the maximum allowed size");
  const before = table.current(pk, sk);
  checkCondition(request, before, [], attempts);
  table.write(pk, sk, stored);
  return toAnswer(table, request, attempts, writeUnitsOf(before, stored));
}

export function updateItem(table: SimulatedTable, request: Request, attempts: number): Answer {
  const { pk, sk } = requestedKeyOf(table, request.Key);
  if (request.UpdateExpression === undefined) throw new NotSimulatedError("updates without an expression");
  const update = readUpdate(request.UpdateExpression);
  const before = table.current(pk, sk);
  const scope = checkCondition(request, before, [update], attempts);
  const item: Item = { ...(before?.item ?? request.Key) };
  const keyNames = Object.values(keyNamesOf(table));
  const attributes = namesOf(
    update.root.map(({ name }) => name),
    scope,
  );
  for (const [i, attribute] of attributes.entries()) {
    if (keyNames.includes(attribute))
      throw toValidationError(`Cannot update attribute ${attribute}. This attribute is part of the key`);
    item[attribute] = scope.values[update.root[i]!.value] as Value;
  }
  const stored = toStoredItem(item);
  checkSize(stored, "Item size to update has exceeded the maximum allowed size");
  table.write(pk, sk, stored);
  return toAnswer(table, request, attempts, writeUnitsOf(before, stored));
}

export function deleteItem(table: SimulatedTable, request: Request, attempts: number): Answer {
  const { pk, sk } = requestedKeyOf(table, request.Key);
  const before = table.current(pk, sk);
  checkCondition(request, before, [], attempts);
  table.write(pk, sk, undefined);
  return toAnswer(table, request, attempts, writeUnitsOf(before, undefined));
}

export function toAnswer(
  table: SimulatedTable,
  request: Request,
  attempts: number,
  units: number,
  fields: Readonly<Record<string, unknown>> = {},
): Answer {
  return {
    $metadata: { httpStatusCode: 200, attempts },
    ConsumedCapacity:
      request.ReturnConsumedCapacity === undefined ? undefined : { TableName: table.name, CapacityUnits: units },
    ...fields,
  };
}

/** Checks the expressions' texts, names and values. */
export function toScope(request: Request, expressions: readonly Expression<unknown>[]): Scope {
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: given } = request;
  checkScope(expressions, names, given);
  const values: Record<string, Value> = {};
  for (const name in given) values[name] = toStoredValue(given[name] as Value);
  return { names: names ?? {}, values };
}

/** Throws where the condition, if there is one, does not hold for what lies there. */
function checkCondition(
  request: Request,
  before: StoredItem | undefined,
  others: readonly Expression<unknown>[],
  attempts: number,
): Scope {
  const condition = request.ConditionExpression === undefined ? undefined : readCondition(request.ConditionExpression);
  const scope = toScope(request, condition === undefined ? others : [condition, ...others]);
  if (condition === undefined) return scope;
  checkOperands(condition.root, scope);
  if (meets(condition.root, before?.item, scope)) return scope;
  const isFoundAsked = request.ReturnValuesOnConditionCheckFailure !== undefined;
  throw new SimulatedServiceError("ConditionalCheckFailedException", "The conditional request failed", {
    attempts,
    ...(isFoundAsked && before !== undefined ? { found: fromStoredItem(before) } : {}),
  });
}

function checkSize({ bytes }: StoredItem, message: string): void {
  if (bytes > ITEM_BYTES_LIMIT) throw toValidationError(message);
}

/** The larger of what was there and what is there now, in whole kilobytes. */
function writeUnitsOf(before: StoredItem | undefined, after: StoredItem | undefined): number {
  return Math.max(1, Math.ceil(Math.max(before?.bytes ?? 0, after?.bytes ?? 0) / WRITE_UNIT_BYTES));
}

function keyTextOf(name: string, item: Item): string {
  const value = item[name];
  if (value === undefined)
    throw toValidationError(`One or more parameter values were invalid: Missing the key ${name} in the item`);
  if (value.S === undefined)
    throw toValidationError(`One or more parameter values were invalid: Type mismatch for key ${name} expected: S`);
  if (value.S === "")
    throw toValidationError(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
    );
  return value.S;
}

/** No character takes more than three bytes for each of its halves. */
function isLonger(text: string, bytesMax: number): boolean {
  return text.length * 3 > bytesMax && textBytesOf(text) > bytesMax;
}
