/** `npm run nexmark`: verifies the queries against their references, or writes the events to a topic of Kafka. */

import { openKafkaBroker } from "millrace";
import { carryOut, EXIT_DIFFERS } from "../../demo/carry-out.ts";
import { type Arguments, HELP, parseArguments } from "./arguments.ts";
import { produceEvents } from "./produce.ts";
import { verifyQuery } from "./verify.ts";

const { stdout, stderr } = process;

await carryOut(async ({ signal }) => {
  const parsed = parseArguments(process.argv.slice(2));
  const progressOf = (what: string) => (done: number, of: number) => {
    signal.throwIfAborted();
    if (stderr.isTTY) stderr.write(done < of ? `\r\x1b[K${what}: ${Math.floor((100 * done) / of)} %` : "\r\x1b[K");
  };
  switch (parsed.kind) {
    case "help":
      stdout.write(HELP);
      return 0;
    case "verify":
      return verify(parsed, progressOf);
    case "produce":
      return produce(parsed, progressOf("writing"));
  }
}, "What was written to a topic stays there.");

type ProgressOf = (what: string) => (done: number, of: number) => void;

async function verify({ queries, events, json }: Extract<Arguments, { kind: "verify" }>, progressOf: ProgressOf) {
  const summaries = [];
  for (const query of queries) {
    const startMs = performance.now();
    const verified = await verifyQuery(query, { events, progress: progressOf(query.name) });
    const seconds = (performance.now() - startMs) / 1_000;
    summaries.push({ query: query.name, events, ...verified, seconds: Number(seconds.toFixed(1)) });
    if (json) continue;
    const found = `${verified.results.toLocaleString("en")} results equal the reference's`;
    const said = verified.problems.length === 0 ? found : verified.problems.join(" ");
    stdout.write(`${query.name.padEnd(4)}${query.title}: ${said} (${seconds.toFixed(1)} s)\n`);
  }
  if (json) stdout.write(`${JSON.stringify(summaries)}\n`);
  return summaries.every(({ problems }) => problems.length === 0) ? 0 : EXIT_DIFFERS;
}

async function produce(parsed: Extract<Arguments, { kind: "produce" }>, progress: ReturnType<ProgressOf>) {
  const { kafka, topic, events, json } = parsed;
  const broker = await openKafkaBroker(kafka === undefined ? undefined : { brokers: kafka.split(",") });
  try {
    await produceEvents(broker, { ...parsed, from: 0, to: events, closes: true, progress });
  } finally {
    await broker.close();
  }
  stdout.write(
    json ? `${JSON.stringify({ topic, events })}\n` : `Written to ${topic}: ${events.toLocaleString("en")} events.\n`,
  );
  return 0;
}
