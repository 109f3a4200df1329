/**
 * How rows lie in a table of DynamoDB, and the clauses under which one takes the place of another.
 *
 *     the key, the row's own attributes, ttl, and millrace: { writer, version, atMs, deleted? }
 *
 * Commits 7 and 8 of a task write a row; a zombie of 7 comes late:
 *
 *     put of 7      put of 8      put of 7, again
 *     IS_NEW        IS_LATER      none of them: refused, which is an answer and no failure
 */

import { Buffer } from "node:buffer";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { TTL_ATTRIBUTE, VERSION_ATTRIBUTE } from "../stream/dynamo-table.ts";
import type { TablePlan } from "../stream/plan.ts";
import type { Attribute, Attributes } from "../wire/attributes.ts";
import type { Row, RowVersion } from "../wire/row.ts";
import type { StoredRow } from "./table-store.ts";

export type Item = Record<string, AttributeValue>;

/** Nobody has put the row, or something else than Millrace. */
const IS_NEW = "attribute_not_exists(#own)";
/** The same writer put it, in an earlier commit. */
const IS_LATER = "(#own.#writer = :writer AND #own.#version < :version)";
/** Another one put it, whose clock stood earlier. */
const IS_LATER_BY_CLOCK = "(#own.#writer <> :writer AND #own.#atMs < :atMs)";

/** What must hold of a row that is there for one of `version` to take its place: `replaces` in DynamoDB's words. */
export function rowCondition({ writer, order, atMs }: RowVersion) {
  return {
    ConditionExpression: `${IS_NEW} OR ${IS_LATER} OR ${IS_LATER_BY_CLOCK}`,
    ExpressionAttributeNames: {
      "#own": VERSION_ATTRIBUTE,
      "#writer": "writer",
      "#version": "version",
      "#atMs": "atMs",
    },
    ExpressionAttributeValues: { ":writer": { S: writer }, ":version": { S: order }, ":atMs": { N: String(atMs) } },
  };
}

export function toRowItem({ key, attributes, expiresAt }: Row, { writer, order, atMs }: RowVersion): Item {
  const own = {
    writer: { S: writer },
    version: { S: order },
    atMs: { N: String(atMs) },
    ...(attributes === null && { deleted: { BOOL: true } }),
  };
  return {
    ...toItem(key),
    ...toItem(attributes ?? {}),
    ...(expiresAt !== null && { [TTL_ATTRIBUTE]: { N: String(expiresAt) } }),
    [VERSION_ATTRIBUTE]: { M: own },
  };
}

/** A row as it is read; undefined for one that was deleted. */
export function fromRowItem(item: Item, { partitionKey, sortKey }: TablePlan): StoredRow | undefined {
  const { [TTL_ATTRIBUTE]: ttl, [VERSION_ATTRIBUTE]: own, ...rest } = item;
  if (own?.M?.deleted !== undefined) return undefined;
  const names = [partitionKey.name, ...(sortKey === undefined ? [] : [sortKey.name])];
  const all = Object.entries(fromItem(rest));
  const writer = own?.M?.writer?.S;
  return {
    key: Object.fromEntries(names.flatMap((name) => all.filter(([other]) => other === name))),
    attributes: Object.fromEntries(all.filter(([name]) => !names.includes(name))),
    expiresAt: ttl?.N === undefined ? null : Number(ttl.N),
    version:
      writer === undefined ? undefined : { writer, order: own?.M?.version?.S ?? "", atMs: Number(own?.M?.atMs?.N) },
  };
}

function toItem(attributes: Attributes): Item {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, toValue(value)]));
}

function toValue(attribute: Attribute): AttributeValue {
  if ("B" in attribute) return { B: new Uint8Array(Buffer.from(attribute.B, "base64")) };
  if ("L" in attribute) return { L: attribute.L.map(toValue) };
  return "M" in attribute ? { M: toItem(attribute.M) } : attribute;
}

function fromItem(item: Item): Attributes {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, fromValue(value)]));
}

/** Sets, which others may write, become lists. */
function fromValue(value: AttributeValue): Attribute {
  if (value.B !== undefined) return { B: Buffer.from(value.B).toString("base64") };
  if (value.L !== undefined) return { L: value.L.map(fromValue) };
  if (value.M !== undefined) return { M: fromItem(value.M) };
  if (value.SS !== undefined) return { L: value.SS.map((S) => ({ S })) };
  if (value.NS !== undefined) return { L: value.NS.map((N) => ({ N })) };
  if (value.BS !== undefined) return { L: value.BS.map((B) => fromValue({ B })) };
  return value as Attribute;
}
