/** Tables in DynamoDB that operators write rows into: declared once, as topics are. */

import { authorFunction } from "./author-function.ts";
import type { Duration } from "./duration.ts";
import type { Writer } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { AuthorFunction } from "./node.ts";
import { quote } from "./sentence.ts";

/** DynamoDB's types of keys. */
export type TableKeyType = "string" | "number" | "binary";

/** An attribute of a table's key: a function that makes a string, or a name and a type besides. */
export type TableKey<T> =
  | ((element: T) => string)
  | { readonly name?: string; readonly type?: "string"; readonly value: (element: T) => string }
  | { readonly name?: string; readonly type: "number"; readonly value: (element: T) => number | bigint }
  | { readonly name?: string; readonly type: "binary"; readonly value: (element: T) => Uint8Array };

/** How rows are made of elements. */
export interface TableOptions<in T> {
  /** What rows are found by. The attribute is called "pk" unless it has a name. */
  readonly partitionKey: TableKey<T>;
  /** What tells rows of one partition key apart, and sorts them. The attribute is called "sk" unless it has a name. */
  readonly sortKey?: TableKey<T>;
  /**
   * The other attributes, as DynamoDB's own types: strings, numbers, bigints, booleans, null, Uint8Array, arrays and objects of these; undefined is left out. Null
   * deletes the row. Default: the element itself.
   */
  readonly item?: (element: T) => object | null;
  /** How long a row is kept after it was last written; or, of an element, the time at which it expires, in epoch milliseconds. Default: for ever. */
  readonly ttl?: Duration | ((element: T) => number);
}

/** A table that takes elements of T. */
export interface DynamoTable<in T> extends Writer<T, unknown> {
  readonly kind: "dynamo-table";
  readonly tableName: string;
}

/** An attribute of the key, as the engine and whoever makes the table know it. */
export type KeyAttribute = { readonly name: string; readonly type: TableKeyType };

/** What the engine knows of a table. */
export type AnyTable = {
  readonly kind: "dynamo-table";
  readonly tableName: string;
  readonly partitionKey: KeyAttribute & { readonly value: AuthorFunction };
  readonly sortKey: (KeyAttribute & { readonly value: AuthorFunction }) | undefined;
  readonly item: AuthorFunction;
  readonly ttl: Duration | AuthorFunction | undefined;
};

/** The attribute of when a row expires, in epoch seconds: the one that DynamoDB's time to live is set to. */
export const TTL_ATTRIBUTE = "ttl";
/** The attribute of who wrote a row, and as of which commit. */
export const VERSION_ATTRIBUTE = "millrace";

const NAME_CHARACTERS_MAX = 100;

/**
 * Declares a table in DynamoDB whose rows are upserted: `.to(dynamoTable("counts", { partitionKey: (r) => r.key, item: (r) => ({ count: r.value }), ttl: days(30) }))`.
 * An operator writes each row once per commit, the last one of a commit wins, and a repeat changes nothing, however late it comes. Declare it once where several write it.
 *
 * Beside what `item` gives, a row has its key, `ttl` in epoch seconds, and `millrace`, which says who wrote it: a put is refused where the row is of a later commit.
 * Where several tasks of a function write one row, or several functions, the later commit by their clocks wins. A deleted row stays for a week as its key and
 * `millrace.deleted`, or a put that is late would bring it back.
 *
 * A row that DynamoDB would not take (NaN, an empty key, more than 400 KB) makes its element a dead letter. Throws a MillraceError "definition" for a name that is not 1 to
 * 100 letters, digits, `_`, `-` and `.`, and for keys that are called alike, `ttl` or `millrace`.
 */
export function dynamoTable<T>(name: string, options: TableOptions<T>): DynamoTable<T> {
  const wrong = (sentence: string) => new MillraceError("definition", `Table ${quote(name)}: ${sentence}`);
  if (typeof name !== "string" || !/^[A-Za-z0-9._-]+$/.test(name) || name.length > NAME_CHARACTERS_MAX)
    throw wrong(`a name is made of 1 to ${NAME_CHARACTERS_MAX} letters, digits, '.', '_' and '-'.`);
  if (options?.partitionKey === undefined)
    throw wrong("it needs a partitionKey, such as partitionKey: (row) => row.key.");
  const { item, ttl } = options;
  const partitionKey = toKey(options.partitionKey, "pk", wrong);
  const sortKey = options.sortKey === undefined ? undefined : toKey(options.sortKey, "sk", wrong);
  if (sortKey?.name === partitionKey.name) throw wrong(`both of its keys are called ${quote(sortKey.name)}.`);
  if (typeof ttl === "number" && !(ttl > 0)) throw wrong(`ttl must be above zero, not ${ttl} ms.`);
  const table: AnyTable = {
    kind: "dynamo-table",
    tableName: name,
    partitionKey,
    sortKey,
    item: item === undefined ? (element: unknown) => element : authorFunction(item, "item"),
    ttl: typeof ttl === "function" ? authorFunction(ttl, "ttl") : ttl,
  };
  return table as unknown as DynamoTable<T>;
}

function toKey(key: TableKey<never>, defaultName: string, wrong: (sentence: string) => MillraceError) {
  const { name = defaultName, type = "string", value } = typeof key === "function" ? { value: key } : key;
  if (name === "" || name === TTL_ATTRIBUTE || name === VERSION_ATTRIBUTE)
    throw wrong(`a key cannot be called ${quote(name)}.`);
  if (type !== "string" && type !== "number" && type !== "binary")
    throw wrong(`a key's type is "string", "number" or "binary", not ${JSON.stringify(type)}.`);
  return { name, type, value: authorFunction(value, "value") };
}
