/** A simulated table: its items by key in the order of their sort keys, each with the versions that a replica may still have. */

import type { Item } from "../state-log/dynamodb-items.ts";
import { compareTexts, type StoredItem } from "./simulated-dynamodb-values.ts";

/** How far a replica may be behind. AWS says "a second or less" of the usual case, and promises nothing. */
const REPLICA_LAG_MS_MAX = 5_000;

/** Versions of an item that are kept for that: more than a task writes within a replica's lag. */
const VERSIONS_MAX = 16;

export type ItemKey = { readonly pk: string; readonly sk: string };

/** A write that took effect; undefined: no item. */
export type Write = ItemKey & {
  readonly table: string;
  readonly before: Readonly<Item> | undefined;
  readonly after: Readonly<Item> | undefined;
};

/** What lies, or lay, under a key. */
export type Version = {
  readonly stored: StoredItem | undefined;
  readonly atMs: number;
  /** As long as a replica may have it. */
  previous: Version | undefined;
};

type Partition = {
  readonly versions: Map<string, Version>;
  /** In their order, those included whose item was deleted. */
  readonly sortKeys: string[];
};

export type TableSchema = {
  readonly KeySchema: readonly { readonly AttributeName?: string; readonly KeyType?: string }[];
  readonly AttributeDefinitions: readonly { readonly AttributeName?: string; readonly AttributeType?: string }[];
};

const ABSENT: Version = Object.seal({ stored: undefined, atMs: Number.NEGATIVE_INFINITY, previous: undefined });

export class SimulatedTable {
  readonly name: string;
  readonly schema: TableSchema;
  readonly #now: () => number;
  readonly #observe: (write: Write) => void;
  readonly #partitions = new Map<string, Partition>();

  constructor(name: string, schema: TableSchema, now: () => number, observe: (write: Write) => void) {
    this.name = name;
    this.schema = schema;
    this.#now = now;
    this.#observe = observe;
  }

  /** What lies under a key now. */
  current(pk: string, sk: string): StoredItem | undefined {
    return this.versionOf(pk, sk).stored;
  }

  versionOf(pk: string, sk: string): Version {
    return this.#partitions.get(pk)?.versions.get(sk) ?? ABSENT;
  }

  /** Sort keys under which there is something, or was, in their order. Not to be kept. */
  sortKeysOf(pk: string): readonly string[] {
    return this.#partitions.get(pk)?.sortKeys ?? [];
  }

  /** Puts an item, or takes it away; nobody is told. */
  replace(pk: string, sk: string, stored: StoredItem | undefined): void {
    this.#set(pk, sk, stored, this.versionOf(pk, sk));
  }

  /** Puts an item, or takes it away. */
  write(pk: string, sk: string, stored: StoredItem | undefined): void {
    const before = this.versionOf(pk, sk);
    if (stored === undefined && before.stored === undefined) return;
    this.#set(pk, sk, stored, before);
    this.#observe({ table: this.name, pk, sk, before: before.stored?.item, after: stored?.item });
  }

  /** Every item that there is now. */
  *items(): Generator<ItemKey & { readonly stored: StoredItem }> {
    for (const [pk, { sortKeys, versions }] of this.#partitions) {
      for (const sk of sortKeys) {
        const { stored } = versions.get(sk) as Version;
        if (stored !== undefined) yield { pk, sk, stored };
      }
    }
  }

  #set(pk: string, sk: string, stored: StoredItem | undefined, before: Version): void {
    const atMs = this.#now();
    let partition = this.#partitions.get(pk);
    if (partition === undefined) {
      partition = { versions: new Map(), sortKeys: [] };
      this.#partitions.set(pk, partition);
    }
    if (!partition.versions.has(sk)) insertSorted(partition.sortKeys, sk);
    forgetBefore(before, atMs - REPLICA_LAG_MS_MAX);
    partition.versions.set(sk, { stored, atMs, previous: before });
  }
}

/** Every version that a replica may give, the current one first. */
export function visibleFrom(version: Version, nowMs: number): readonly Version[] {
  const visible = [version];
  for (let last = version; last.atMs > nowMs - REPLICA_LAG_MS_MAX && last.previous !== undefined; ) {
    last = last.previous;
    visible.push(last);
  }
  return visible;
}

/** Drops what every replica has left behind. */
function forgetBefore(version: Version, nowMs: number): void {
  let last = version;
  for (let kept = 1; last.atMs > nowMs && last.previous !== undefined && kept < VERSIONS_MAX; kept += 1)
    last = last.previous;
  last.previous = undefined;
}

function insertSorted(sortKeys: string[], sk: string): void {
  let from = 0;
  let to = sortKeys.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (compareTexts(sortKeys[middle] as string, sk) < 0) from = middle + 1;
    else to = middle;
  }
  sortKeys.splice(from, 0, sk);
}
