/** How long a new environment takes to open a state of 100 MB, from DynamoDB alone and with its chunks in a folder. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeEvent } from "../../lib/local/event-json.ts";
import { FolderBlobStore } from "../../lib/state-log/folder-blob-store.ts";
import { decodeRecords, encodeRecords } from "../../lib/wire/record-batch.ts";
import { quantile } from "../measure.ts";
import type { ProgressOf, Row, Section } from "../section.ts";
import { startModule } from "./child.ts";
import { openEnvironment } from "./environment.ts";
import { keepLast, READINGS_TOPIC, readingOf } from "./restart-input.ts";
import type { Opened } from "./restart-opening.ts";
import type { Servers } from "./servers.ts";

const KEYS = 1_000_000;
const BATCH = 20_000;
/** The two take turns. */
const ROUNDS = 3;

type Place = { readonly name: string; readonly application: string; readonly folder: string | undefined };

export async function restart(servers: Servers, progressOf: ProgressOf): Promise<Section> {
  const progress = progressOf("restart");
  const folder = mkdtempSync(join(tmpdir(), "millrace-snapshots-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", removeFolder);
  const places: readonly Place[] = [
    { name: "from DynamoDB", application: "restart", folder: undefined },
    { name: "with its large chunks in a folder, as in S3", application: "restart-folder", folder },
  ];
  try {
    const stored: Stored[] = [];
    for (const [i, place] of places.entries())
      stored.push(await build(servers, place, (share) => progress(i + share, 2 * places.length)));
    const opened: Opened[][] = places.map(() => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [i, place] of places.entries()) {
        progress(places.length * (1 + round / ROUNDS), 2 * places.length);
        opened[i]?.push(await open(servers, place));
      }
    }
    const [first] = opened[0] as Opened[] as [Opened];
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
    return {
      title: `a new process opens a state of ${first.cells.toLocaleString("en")} cells, ${megabytes(first.rawBytes)} as JSON, ${megabytes((stored[0] as Stored).chunkBytes)} of chunks and ${megabytes((stored[0] as Stored).entryBytes)} of entries in the store`,
      rows: places.map(({ name }, i) => toRow(name, opened[i] as Opened[])),
    };
  } finally {
    progress(1, 1);
    removeFolder();
    process.removeListener("exit", removeFolder);
  }
}

type Stored = { readonly chunkBytes: number; readonly entryBytes: number };

/** Gives each of so many keys a reading, through the operator. */
async function build(
  servers: Servers,
  { application, folder }: Place,
  progress: (share: number) => void,
): Promise<Stored> {
  const blobs = folder === undefined ? undefined : new FolderBlobStore(folder);
  const environment = await openEnvironment(servers, application, [keepLast], blobs && { chunkBlobs: blobs });
  try {
    for (let from = 0; from < KEYS; from += BATCH) {
      progress(from / KEYS);
      const columns = decodeRecords(encodeRecords(Array.from({ length: BATCH }, (_, i) => readingOf(from + i))), from);
      const slice = { partition: 0, columns, from: 0, to: BATCH, nextOffset: from + BATCH };
      const origin = { eventSource: "aws:kafka", bootstrapServers: servers.kafka, topic: READINGS_TOPIC } as const;
      await environment.invoke(keepLast, writeEvent(origin, [slice]));
    }
    const [head] = await environment.log.tasks();
    return { chunkBytes: head?.chunkBytes ?? 0, entryBytes: head?.entryBytes ?? 0 };
  } finally {
    await environment.close();
  }
}

async function open({ dynamodb }: Servers, { application, folder }: Place): Promise<Opened> {
  const args = [dynamodb, application, ...(folder === undefined ? [] : [folder])];
  const child = startModule(new URL("./restart-opening.ts", import.meta.url), args);
  try {
    const opened = JSON.parse(await child.line()) as Opened;
    if (opened.cells < KEYS) throw new Error(`${application}: ${opened.cells} cells instead of ${KEYS}.`);
    return opened;
  } finally {
    await child.kill();
  }
}

function toRow(what: string, opened: readonly Opened[]): Row {
  const median = (of: (one: Opened) => number) =>
    quantile(
      opened.map(of).sort((a, b) => a - b),
      0.5,
    );
  const seconds = median(({ wallSeconds }) => wallSeconds);
  const cpu = median(({ cpuSeconds }) => cpuSeconds);
  const memory = median(({ rssMaxBytes, rssBeforeBytes }) => rssMaxBytes - rssBeforeBytes) / 2 ** 20;
  const units = Math.round(median(({ readUnits }) => readUnits)).toLocaleString("en");
  return {
    what,
    figure: `${seconds.toFixed(1)} s (CPU ${cpu.toFixed(1)} s), ${units} read units, ${memory.toFixed(0)} MiB of memory more`,
    value: seconds,
    unit: "s",
  };
}
