/** The pipelines whose latency is measured: what the processes that run them and whoever measures them must agree on. */

import { json, type Operator, operator, stream, text, topic } from "millrace";
import type { Application } from "../../lib/local/application.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

/** A record says when it was sent, on the clock of who sends and reads. */
export type Sent = { readonly id: number; readonly user: string; readonly sentMs: number; readonly note: string };

export const PIPELINES = ["plain", "map", "count", "count-once", "count-shuffled"] as const;
export type PipelineName = (typeof PIPELINES)[number];

/** A pipeline of a round has topics of its own. */
export const inputOf = (pipeline: PipelineName, round: number) =>
  topic(`sent-${pipeline}-${round}`, { key: text(), value: json<Sent>(), partitions: 1 });

export const outputOf = (pipeline: PipelineName, round: number) =>
  topic(`received-${pipeline}-${round}`, {
    key: text(),
    value: json<Sent>(),
    partitions: 1,
    exactlyOnce: pipeline === "count-once",
  });

export function latencyApplication(pipeline: PipelineName, round: number): Application {
  const name = `latency-${pipeline}-${round}`;
  const operators = [operatorOf(pipeline, round)];
  return {
    name,
    folder: ".",
    operators,
    topology: buildTopology(
      name,
      operators.map(({ definition }) => definition),
    ),
  };
}

/** Each gives a result for each record, which says when that record was sent. */
function operatorOf(pipeline: PipelineName, round: number): Operator {
  const sent = stream(inputOf(pipeline, round));
  const received = outputOf(pipeline, round);
  const name = `pass-${pipeline}-${round}`;
  const newest = (before: Sent, now: Sent): Sent => ({ ...now, id: before.id + 1 });
  if (pipeline === "count-shuffled")
    return operator(
      name,
      sent
        .keyBy(({ user }) => user)
        .reduce(newest)
        .to(received.from(({ value }) => value)),
    );
  if (pipeline === "count" || pipeline === "count-once")
    return operator(
      name,
      sent
        .keyedByTopicKey()
        .reduce(newest)
        .to(received.from(({ value }) => value)),
    );
  return operator(name, sent.map((value) => value).to(received.from((value) => value)));
}
