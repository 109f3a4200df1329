/** Visitor paths: a visit is what a visitor does without half an hour of pause, told in the order in which it was done. */

import { minutes, operator, session, stream } from "millrace";
import { clicks, visits } from "./topics.ts";

export const handler = operator(
  "follow-visits",
  stream(clicks)
    .keyBy((click) => click.visitor)
    .window(session(minutes(30)))
    .process(
      (visit, { key, timestampsMs }) => {
        const [startMs = 0] = timestampsMs;
        const lastMs = timestampsMs.at(-1) ?? startMs;
        const path = visit.map(({ kind, item }) => `${kind} ${item}`).join(" > ");
        return [{ visitor: key, from: new Date(startMs).toISOString(), seconds: (lastMs - startMs) / 1_000, path }];
      },
      { order: "event-time" },
    )
    .to(visits),
);
