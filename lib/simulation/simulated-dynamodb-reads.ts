/**
 * Reads of the simulated DynamoDB, as little alike to a snapshot as AWS allows.
 *
 * - A consistent read gives what lies there at the moment in which it looks. A page of a query looks at each item at a moment of its own.
 * - Another may give of each item any version that some replica still has ("read-stale").
 * - A page ends where its items reach a megabyte, or earlier ("page-short"): DynamoDB only says that a query goes on where it gives a key to go on from.
 */

import type { Item } from "../state-log/dynamodb-items.ts";
import type { Network } from "./network.ts";
import { NotSimulatedError, toValidationError } from "./simulated-aws-errors.ts";
import {
  type Comparator,
  type Condition,
  compares,
  nameOf,
  namesOf,
  readKeyCondition,
  readProjection,
  type Scope,
} from "./simulated-dynamodb-expressions.ts";
import {
  type Answer,
  keyNamesOf,
  type Request,
  requestedKeyOf,
  toAnswer,
  toScope,
} from "./simulated-dynamodb-requests.ts";
import { type SimulatedTable, type Version, visibleFrom } from "./simulated-dynamodb-table.ts";
import { compareTexts, fromStoredItem, pickFrom, type StoredItem, type Value } from "./simulated-dynamodb-values.ts";

/** Where a read looks, and when. */
export type Replicas = { readonly network: Network; readonly now: () => number };

/** What a query saw at one moment: by sort key, in its order, as much as fits a page. */
export type Glance = {
  readonly seen: ReadonlyMap<string, StoredItem>;
  /** Up to which sort key it looked, where that is not to the end. */
  readonly upTo: string | undefined;
};

/** A query whose request has been understood. */
export type Query = {
  readonly table: SimulatedTable;
  readonly request: Request;
  readonly pk: string;
  readonly isWanted: (sk: string) => boolean;
  readonly picked: readonly string[] | undefined;
};

const READ_UNIT_BYTES = 4096;
const PAGE_BYTES_MAX = 1024 * 1024;

export function getItem(table: SimulatedTable, request: Request, replicas: Replicas, attempts: number): Answer {
  const { pk, sk } = requestedKeyOf(table, request.Key);
  const projection = request.ProjectionExpression;
  const picked = projection === undefined ? undefined : readProjection(projection);
  const scope = toScope(request, picked === undefined ? [] : [picked]);
  const names = picked && namesOf(picked.root, scope);
  const stored = readVersion(table.versionOf(pk, sk), request, replicas);
  const units = readUnitsOf(stored?.bytes ?? 0, request);
  if (stored === undefined) return toAnswer(table, request, attempts, units);
  const Item = names === undefined ? fromStoredItem(stored) : pickFrom(stored, names);
  return toAnswer(table, request, attempts, units, { Item });
}

/** Understands a query; throws for what is wrong in it. */
export function toQuery(table: SimulatedTable, request: Request): Query {
  if (request.KeyConditionExpression === undefined) throw new NotSimulatedError("queries without an expression");
  const keys = readKeyCondition(request.KeyConditionExpression);
  const projection = request.ProjectionExpression;
  const picked = projection === undefined ? undefined : readProjection(projection);
  const scope = toScope(request, picked === undefined ? [keys] : [keys, picked]);
  const names = keyNamesOf(table);
  const terms = toTerms(keys.root, scope);
  const pk = terms.find(({ name, comparator }) => name === names.pk && comparator === "=")?.value.S;
  const others = terms.filter(({ name }) => name !== names.pk);
  if (pk === undefined || terms.length - others.length !== 1 || others.length > 1)
    throw toValidationError("Query condition missed key schema element");
  const [other] = others;
  if (other !== undefined && other.name !== names.sk)
    throw toValidationError("Query condition missed key schema element");
  if (other?.comparator === "<>") throw toValidationError("Unsupported operator on KeyCondition: operator: <>");
  const after = afterOf(table, request, pk);
  return {
    table,
    request,
    pk,
    isWanted: (sk) =>
      (after === undefined || compareTexts(sk, after) > 0) &&
      (other === undefined || compares(other.comparator, { S: sk }, other.value)),
    picked: picked && namesOf(picked.root, scope),
  };
}

/** What a query sees at this moment. */
export function glance({ table, request, pk, isWanted }: Query, replicas: Replicas): Glance {
  const seen = new Map<string, StoredItem>();
  let bytes = 0;
  let upTo: string | undefined;
  for (const sk of table.sortKeysOf(pk)) {
    if (!isWanted(sk)) continue;
    const stored = readVersion(table.versionOf(pk, sk), request, replicas);
    if (stored === undefined) continue;
    if (bytes >= PAGE_BYTES_MAX) return { seen, upTo };
    seen.set(sk, stored);
    bytes += stored.bytes;
    upTo = sk;
  }
  return { seen, upTo: undefined };
}

/** One page: each item as of one of the moments. */
export function toPage(query: Query, glances: readonly Glance[], network: Network, attempts: number): Answer {
  const { table, request, picked } = query;
  const { seen, upTo } = glances.length === 1 ? (glances[0] as Glance) : mixGlances(glances, network);
  const isShort = seen.size > 1 && network.occurs("page-short");
  const countMax = isShort ? 1 + network.below(seen.size) : seen.size;
  const Items: Item[] = [];
  let bytes = 0;
  let last = upTo;
  for (const [sk, stored] of seen) {
    if (Items.length >= countMax || bytes >= PAGE_BYTES_MAX) break;
    Items.push(picked === undefined ? fromStoredItem(stored) : pickFrom(stored, picked));
    bytes += stored.bytes;
    last = sk;
  }
  const goesOn = upTo !== undefined || isShort || Items.length < seen.size;
  const names = keyNamesOf(table);
  return toAnswer(table, request, attempts, readUnitsOf(bytes, request), {
    Items,
    Count: Items.length,
    ScannedCount: Items.length,
    LastEvaluatedKey: goesOn ? { [names.pk]: { S: query.pk }, [names.sk]: { S: last as string } } : undefined,
  });
}

function mixGlances(glances: readonly Glance[], network: Network): Glance {
  // Nobody knows what lies behind the end of one that was cut: the next page begins there.
  const ends = glances.map(({ upTo }) => upTo).filter((upTo) => upTo !== undefined);
  const upTo = ends.sort(compareTexts)[0];
  const sortKeys = new Set(glances.flatMap(({ seen }) => [...seen.keys()]));
  const mixed = new Map<string, StoredItem>();
  for (const sk of [...sortKeys].sort(compareTexts)) {
    if (upTo !== undefined && compareTexts(sk, upTo) > 0) break;
    const stored = glances[network.below(glances.length)]!.seen.get(sk);
    if (stored !== undefined) mixed.set(sk, stored);
  }
  return { seen: mixed, upTo };
}

/** A version that this read may see. */
function readVersion(version: Version, request: Request, { network, now }: Replicas): StoredItem | undefined {
  if (request.ConsistentRead === true) return version.stored;
  const visible = visibleFrom(version, now());
  if (visible.length === 1 || !network.occurs("read-stale")) return version.stored;
  return visible[1 + network.below(visible.length - 1)]?.stored;
}

/** Half as much where any version will do. */
function readUnitsOf(bytes: number, request: Request): number {
  const units = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES));
  return request.ConsistentRead === true ? units : units / 2;
}

type Term = { readonly name: string; readonly comparator: Comparator; readonly value: Value };

function toTerms(condition: Condition, scope: Scope): readonly Term[] {
  if (condition.kind === "and") return [...toTerms(condition.left, scope), ...toTerms(condition.right, scope)];
  if (condition.kind !== "compare") throw toValidationError("Invalid operator used in KeyConditionExpression");
  const { comparator, left, right } = condition;
  const value = scope.values[right];
  if (!left.startsWith("#") || value === undefined) throw new NotSimulatedError("such an order of a key's condition");
  if (value.S === undefined)
    throw toValidationError(
      "One or more parameter values were invalid: Condition parameter type does not match schema type",
    );
  return [{ name: nameOf(left, scope), comparator, value }];
}

/** Behind which sort key a page begins. */
function afterOf(table: SimulatedTable, request: Request, pk: string): string | undefined {
  if (request.ExclusiveStartKey === undefined) return undefined;
  const key = requestedKeyOf(table, request.ExclusiveStartKey);
  if (key.pk !== pk) throw toValidationError("The provided starting key is outside query boundaries");
  return key.sk;
}
