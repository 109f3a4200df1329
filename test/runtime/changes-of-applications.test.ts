/** What a new version would change of the topics, the tables and the whole of an application: said, dangerous, or impossible. */

import type { Operator } from "millrace";
import { dynamoTable, json, minutes, stream, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { changeOfKafka, changesBetween } from "../../lib/runtime/changes.ts";
import {
  between,
  type Deployed,
  declare,
  deployed,
  type Item,
  lefts,
  out,
  rights,
  sum,
  version,
} from "./two-versions.ts";

describe("topics", () => {
  const reading = (from: typeof lefts) => version(stream(from).keyedByTopicKey().count().to(out));
  const through = (from: typeof lefts, options = {}) =>
    version(
      stream(from)
        .keyBy(({ id }) => id, options)
        .count()
        .to(out),
    );

  test("other partitions of what is read are impossible, whoever confirms them", () => {
    expect(between([reading(declare("lefts", 2))], [reading(declare("lefts", 3))])).toEqual([
      "impossible evolving reads lefts: Function evolving would read lefts in 3 partitions instead of 2: keys would have their state in other tasks than before. Give the operator another name, which begins anew beside it.",
    ]);
    expect(between([through(lefts)], [through(lefts, { parallelism: 4 })])).toEqual([
      "impossible evolving--by-key reads evolving--by-key: Function evolving--by-key would read evolving--by-key in 4 partitions instead of 2: keys would have their state in other tasks than before. Give the keyBy another name, which begins anew beside it, or set its parallelism to what it was.",
    ]);
    expect(between([through(lefts)], [through(lefts, { maxParallelism: 64 })])).toEqual([
      expect.stringContaining(
        "impossible evolving--by-key maxParallelism: The maxParallelism of evolving--by-key would be 64 instead of 128",
      ),
    ]);
  });

  test("other partitions of what is written are impossible for topics of one's own, and said for those of others", () => {
    const writing = (partitions: number, external: boolean) =>
      version(stream(lefts).to(topic("written", { value: json<Item>(), partitions, external })));
    expect(between([writing(2, false)], [writing(4, false)])).toEqual([
      "impossible topic written: Topic written would have 4 partitions instead of 2: its keys would lie in others than before, out of order. Give it another name.",
    ]);
    expect(between([writing(2, true)], [writing(4, true)])).toEqual([expect.stringContaining("said topic written")]);
  });

  test("one that is not read any more is dangerous where something is kept of it", () => {
    expect(between([reading(lefts)], [reading(rights)])).toEqual([
      "dangerous evolving reads lefts: Function evolving would not read lefts any more. What it keeps of it (by-key/count) stays in the table and nobody goes on with it.",
      "said evolving reads rights: evolving reads rights too, from the beginning or from now on, as the stream says.",
      "said topic lefts: Topic lefts is not used any more. It stays, with its records.",
    ]);
    const union = version(
      stream(lefts)
        .union(stream(rights))
        .keyBy(({ id }) => id)
        .count()
        .to(out),
    );
    expect(between([union], [through(lefts)])).toEqual([
      "said evolving reads rights: Function evolving does not read rights any more: records that it has not read stay unread, and those under way behind it become dead letters.",
      "said topic rights: Topic rights is not used any more. It stays, with its records.",
    ]);
  });
});

describe("tables of rows", () => {
  const writing = (name: string, sorted = false) =>
    version(
      stream(lefts).to(
        dynamoTable<Item>(name, {
          partitionKey: ({ id }) => id,
          ...(sorted && { sortKey: ({ n }: Item) => String(n) }),
        }),
      ),
    );

  test("one that is not written any more stays, or is deleted where the application keeps nothing", () => {
    expect(between([writing("rows")], [writing("others")])).toEqual([
      "said table rows: Table rows is not written any more. It stays, with its rows.",
    ]);
    expect(between([writing("rows")], [writing("others")], { keepsState: false }, { keepsState: true })).toEqual([
      "dangerous table rows: Table rows is not written any more and would be deleted, with its rows. Deploy keepState: true first to keep it.",
    ]);
  });

  test("another key is impossible", () => {
    expect(between([writing("rows")], [writing("rows", true)])).toEqual([
      expect.stringMatching(
        /^impossible table rows: Table rows has the key pk \(string\), and would have pk \(string\), /,
      ),
    ]);
  });
});

describe("the application as a whole", () => {
  test.each<[string, Deployed, Deployed, string[]]>([
    [
      "another name",
      {},
      { application: "store" },
      [
        'dangerous application: The application "shop" would be called "store": all its state begins anew under that name, its functions read again what their topics still hold, and their outputs are new ones to every reader. What it kept stays in its table.',
      ],
    ],
    [
      "another prefix of topics",
      {},
      { topicPrefix: "dev." },
      [
        'dangerous topicPrefix: Topics would be called "dev.…" instead of "…". State knows the offsets of the former ones: records of the new ones would be skipped as processed. Give the application another name too.',
      ],
    ],
    [
      "functions that move between stacks",
      {},
      { split: "together" },
      [
        "impossible split: Functions would move from a nested stack for each operator to the stack itself, and CloudFormation would make each there before it deletes it here, under a name that is taken. Leave split as it was.",
      ],
    ],
    [
      "no bucket any more",
      { snapshots: true },
      {},
      [
        "dangerous snapshotBucket: Large chunks of state lie in a bucket that the application would not know any more, so its tasks could not be opened. Leave snapshotBucket: true.",
      ],
    ],
    [
      "state that is not kept any more",
      {},
      { keepsState: false },
      ["said keepState: State and tables are deleted with the stack from now on: keepState is false."],
    ],
    ["a bucket, and state that is kept", { keepsState: false }, { snapshots: true }, []],
  ])("%s", (_, was, is, changes) => expect(between([sum()], [sum()], was, is)).toEqual(changes));

  test("another Kafka, but not another list of the same one's addresses", () => {
    expect(changeOfKafka("arn:a", "arn:b")).toMatchObject([
      { kind: "dangerous", id: expect.stringMatching(/^kafka@/) },
    ]);
    expect(changeOfKafka("b-1:9092,b-2:9092", "b-2:9092,b-3:9092")).toEqual([]);
    expect(changeOfKafka("b-1:9092", "b-2:9092")).toHaveLength(1);
  });
});

test("what is confirmed is one change: another one of the same thing has another id", () => {
  const idOf = (before: Operator, after: Operator) =>
    changesBetween(deployed([before]), deployed([after])).map(({ id }) => id);
  expect(idOf(sum(5), sum(6))).toEqual(idOf(sum(5), sum(6)));
  expect(idOf(sum(5), sum(6))).not.toEqual(idOf(sum(5), sum(7)));
});

test("a version takes little room in a template", () => {
  const { functions } = deployed(
    [
      sum(),
      version(
        stream(lefts)
          .keyBy((item) => minutes(item.n) + item.n.toFixed(2).padStart(40, "0").length + item.id.length)
          .count()
          .to(out),
      ),
    ].slice(1),
  );
  expect(JSON.stringify(functions).length).toBeLessThan(500);
});
