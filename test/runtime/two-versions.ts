/** Two versions of an application's code, and what changes from one to the other. */

import {
  boundedOutOfOrderness,
  json,
  type Operator,
  operator,
  type Sink,
  seconds,
  stream,
  text,
  topic,
  tumbling,
} from "millrace";
import { changesBetween, type DeployedVersion } from "../../lib/runtime/changes.ts";
import { codeVersionOf } from "../../lib/runtime/version.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

export type Item = { readonly id: string; readonly n: number };
const watermark = boundedOutOfOrderness(seconds(5));
export const declare = (name: string, partitions = 2) =>
  topic(name, { value: json<Item>(), key: text(), watermark, partitions });
export const lefts = declare("lefts");
export const rights = declare("rights");
export const out = topic("out", { value: json<unknown>(), partitions: 1 });

export const version = (...sinks: Sink[]) => operator("evolving", ...(sinks as [Sink]));
export const keyed = (from = lefts) => stream(from).keyBy(({ id }) => id);
export const sum = (size = 5, name?: string) =>
  version(
    keyed()
      .window(tumbling(seconds(size)), name === undefined ? {} : { name })
      .sum(({ n }) => n)
      .to(out),
  );

export type Deployed = Partial<Omit<DeployedVersion, "functions" | "topics" | "tables">>;

export const deployed = (operators: readonly Operator[], how: Deployed = {}): DeployedVersion => ({
  ...codeVersionOf(
    buildTopology(
      how.application ?? "shop",
      operators.map(({ definition }) => definition),
    ),
  ),
  topicPrefix: "",
  split: "per-operator",
  keepsState: true,
  snapshots: false,
  ...how,
});

export const between = (
  before: readonly Operator[],
  after: readonly Operator[],
  was: Deployed = {},
  is: Deployed = {},
) =>
  changesBetween(deployed(before, was), deployed(after, is)).map(
    ({ kind, id, says }) => `${kind} ${id.replace(/@[0-9a-f]{8}$/, "")}: ${says}`,
  );
