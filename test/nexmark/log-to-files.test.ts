/** Query 10 writes files: all bids of a minute are in its folder, each once, though they are given again after a restart. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testDriver } from "millrace";
import { expect, test } from "vitest";
import { handler } from "../../bench/nexmark/functions/q10.ts";
import { nexmark } from "../../bench/nexmark/functions/topics.ts";
import { nexmarkEvent } from "../../bench/nexmark/generate.ts";

test("the bids of each minute are in its folder, each once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nexmark-"));
  try {
    const options = { eventsPerSecond: 20, startMs: Date.UTC(2025, 6, 15, 23, 59, 30) };
    const events = Array.from({ length: 1_200 }, (_, n) => nexmarkEvent(n, options));
    await using driver = await testDriver(handler, {
      environment: { NEXMARK_FOLDER: folder },
      restartAfterEveryBatch: true,
    });
    for (let from = 0; from < events.length; from += 100) await driver.send(nexmark, ...events.slice(from, from + 100));
    const lines = (minute: string) =>
      readdirSync(join(folder, minute)).flatMap((file) =>
        readFileSync(join(folder, minute, file), "utf8")
          .trim()
          .split("\n"),
      );
    const bids = events.flatMap((event) => (event.event_type === 2 ? [event.bid] : []));
    const expected = bids.map(
      ({ auction, bidder, price, dateTime, extra }) => `${auction},${bidder},${price},${dateTime},${extra}`,
    );
    const isBefore = (_: string, i: number) => (bids[i]?.dateTime as number) < Date.UTC(2025, 6, 16);
    expect(lines("2025-07-15/23:59").sort()).toEqual(expected.filter(isBefore).sort());
    expect(lines("2025-07-16/00:00").sort()).toEqual(expected.filter((line, i) => !isBefore(line, i)).sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
});
