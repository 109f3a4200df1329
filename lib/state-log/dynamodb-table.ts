/** The table of an application's state logs: how it is keyed, made by the local tools and checked before it is used. */

import { CreateTableCommand, type TableDescription } from "@aws-sdk/client-dynamodb";
import { MillraceError } from "../stream/error.ts";

/** The names of the key's two attributes, both strings. */
export const PARTITION_KEY = "pk";
export const SORT_KEY = "sk";

/** How often, and how long apart, a table that is being made is looked at. */
export const TABLE_LOOKS_MAX = 60;
export const TABLE_LOOK_MS = 500;

/** Makes the table, paid by request. On AWS the stack makes it instead, with point-in-time recovery and encryption. */
export function createTableCommand(table: string): CreateTableCommand {
  return new CreateTableCommand({
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: PARTITION_KEY, AttributeType: "S" },
      { AttributeName: SORT_KEY, AttributeType: "S" },
    ],
    KeySchema: [
      { AttributeName: PARTITION_KEY, KeyType: "HASH" },
      { AttributeName: SORT_KEY, KeyType: "RANGE" },
    ],
  });
}

/** Throws "state-unusable" for a table that is keyed otherwise: it is somebody else's. */
export function assertTable(table: string, description: TableDescription | undefined): void {
  const types = new Map(
    description?.AttributeDefinitions?.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
  const keys = (description?.KeySchema ?? []).map(
    ({ AttributeName, KeyType }) => `${AttributeName} ${KeyType} ${types.get(AttributeName)}`,
  );
  const expected = [`${PARTITION_KEY} HASH S`, `${SORT_KEY} RANGE S`];
  if (keys.join() === expected.join()) return;
  throw new MillraceError(
    "state-unusable",
    `Table "${table}" is not one of Millrace's: its key is (${keys.join(", ")}) instead of (${expected.join(", ")}). Name another table; this one was left as it is.`,
  );
}

/** Whether the table is there and can be used at once. */
export function isActive(description: TableDescription | undefined): boolean {
  return description?.TableStatus === "ACTIVE" || description?.TableStatus === "UPDATING";
}
