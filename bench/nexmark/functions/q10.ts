/** Query 10, log to file system: the bids of each minute in files of a folder, `NEXMARK_FOLDER/2025-07-15/12:00/….csv`. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { operator, type SinkElement, seconds, setting, sink } from "millrace";
import type { Bid } from "../event.ts";
import { bids } from "./topics.ts";

export type LoggedBid = Pick<Bid, "auction" | "bidder" | "price" | "dateTime" | "extra"> & { dt: string; hm: string };

export const results = sink("q10-files", {
  uses: { folder: setting("NEXMARK_FOLDER") },
  open: ({ folder }) => folder,
  write: async (batch: readonly SinkElement<LoggedBid>[], { client: folder }) => {
    for (const [minute, logged] of Map.groupBy(batch, ({ value: { dt, hm } }) => join(folder, dt, hm))) {
      await mkdir(minute, { recursive: true });
      const lines = logged.map(({ value: { auction, bidder, price, dateTime, extra } }) =>
        [auction, bidder, price, dateTime, extra].join(","),
      );
      // What is given again has the same ids, so it replaces the file that it was written to.
      const name = (logged[0] as SinkElement<LoggedBid>).id.replaceAll(/[/:]/g, "_");
      await writeFile(join(minute, `${name}.csv`), `${lines.join("\n")}\n`);
    }
  },
  batchSize: 5_000,
  timeout: seconds(30),
});

export const handler = operator(
  "q10",
  bids
    .map(({ auction, bidder, price, dateTime, extra }): LoggedBid => {
      const [dt = "", time = ""] = new Date(dateTime).toISOString().split("T");
      return { auction, bidder, price, dateTime, extra, dt, hm: time.slice(0, 5) };
    })
    .to(results),
);
