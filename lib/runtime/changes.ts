/**
 * What a deployment would change of what is kept: what would be misread, left behind or deleted is dangerous, and carried out only where somebody confirms
 * that very change; what cannot be done at all is impossible; the rest is said. The rules are a table in docs/deploy.md.
 */

import { quote } from "../stream/sentence.ts";
import { type Change, change } from "./change.ts";
import { changesOfFunctions } from "./changes-of-functions.ts";
import type { CodeVersion } from "./version.ts";

/** A version as it is deployed. */
export type DeployedVersion = CodeVersion & {
  /** What stands before the names of its topics in Kafka. */
  readonly topicPrefix: string;
  /** Where its functions stand: "together", or each operator in a stack of its own. */
  readonly split: string;
  /** Whether tables outlive their stack, or what takes them out of it. */
  readonly keepsState: boolean;
  /** Whether large chunks of state lie in a bucket. */
  readonly snapshots: boolean;
};

/** All changes, those of the whole application first. Where it has another name nothing else is compared: nothing of it is the same. */
export function changesBetween(before: DeployedVersion, after: DeployedVersion): readonly Change[] {
  const whole = changesOfAll(before, after);
  if (before.application !== after.application) return whole;
  return [
    ...whole,
    ...changesOfFunctions(before, after),
    ...changesOfTopics(before, after),
    ...changesOfTables(before, after),
  ];
}

/** A change from one Kafka to another, by what names them. */
export function changeOfKafka(before: string, after: string): readonly Change[] {
  if (before === after) return [];
  // Addresses of one cluster come and go one by one.
  const servers = new Set(before.split(","));
  if (after.split(",").some((server) => servers.has(server))) return [];
  return [
    change(
      "dangerous",
      "kafka",
      before,
      after,
      `The application runs on ${before} and would run on ${after}. Its state knows the offsets of its topics, and those of another Kafka mean other records: they would be skipped as processed, or waited for. Deploy it under another name, or move the topics with their offsets.`,
    ),
  ];
}

function changesOfAll(before: DeployedVersion, after: DeployedVersion): readonly Change[] {
  const changes: Change[] = [];
  const { application, topicPrefix, split, keepsState, snapshots } = after;
  if (before.application !== application)
    changes.push(
      change(
        "dangerous",
        "application",
        before.application,
        application,
        `The application ${quote(before.application)} would be called ${quote(application)}: all its state begins anew under that name, its functions read again what their topics still hold, and their outputs are new ones to every reader. What it kept ${before.keepsState ? "stays in its table" : "is deleted"}.`,
      ),
    );
  if (before.topicPrefix !== topicPrefix)
    changes.push(
      change(
        "dangerous",
        "topicPrefix",
        before.topicPrefix,
        topicPrefix,
        `Topics would be called ${quote(`${topicPrefix}…`)} instead of ${quote(`${before.topicPrefix}…`)}. State knows the offsets of the former ones: records of the new ones would be skipped as processed. Give the application another name too.`,
      ),
    );
  if (before.split !== split)
    changes.push(
      change(
        "impossible",
        "split",
        before.split,
        split,
        `Functions would move from ${placeOf(before.split)} to ${placeOf(split)}, and CloudFormation would make each there before it deletes it here, under a name that is taken. Leave split as it was.`,
      ),
    );
  if (before.snapshots && !snapshots)
    changes.push(
      change(
        "dangerous",
        "snapshotBucket",
        "yes",
        "no",
        "Large chunks of state lie in a bucket that the application would not know any more, so its tasks could not be opened. Leave snapshotBucket: true.",
      ),
    );
  if (before.keepsState && !keepsState)
    changes.push(
      change(
        "said",
        "keepState",
        "yes",
        "no",
        "State and tables are deleted with the stack from now on: keepState is false.",
      ),
    );
  return changes;
}

function placeOf(split: string): string {
  return split === "together" ? "the stack itself" : "a nested stack for each operator";
}

function changesOfTopics(before: DeployedVersion, after: DeployedVersion): readonly Change[] {
  const isRead = (version: CodeVersion, topic: string) =>
    Object.values(version.functions).some(({ reads }) => reads[topic] !== undefined);
  return Object.entries(before.topics).flatMap(([topic, was]) => {
    const now = after.topics[topic];
    if (now === undefined)
      return was.external || was.kind !== "declared"
        ? []
        : [
            change(
              "said",
              `topic ${topic}`,
              "there",
              "",
              `Topic ${topic} is not used any more. It stays, with its records.`,
            ),
          ];
    // Who reads it has said so.
    if (now.partitions === was.partitions || (isRead(before, topic) && isRead(after, topic))) return [];
    if (was.external && now.external)
      return [
        change(
          "said",
          `topic ${topic}`,
          String(was.partitions),
          String(now.partitions),
          `Topic ${topic} has ${now.partitions} partitions instead of ${was.partitions}: its keys lie in others from now on.`,
        ),
      ];
    return [
      change(
        "impossible",
        `topic ${topic}`,
        String(was.partitions),
        String(now.partitions),
        `Topic ${topic} would have ${now.partitions} partitions instead of ${was.partitions}: its keys would lie in others than before, out of order. Give it another name.`,
      ),
    ];
  });
}

function changesOfTables(before: DeployedVersion, after: DeployedVersion): readonly Change[] {
  return Object.entries(before.tables).flatMap(([table, was]) => {
    const now = after.tables[table];
    if (now === was) return [];
    if (now !== undefined)
      return [
        change(
          "impossible",
          `table ${table}`,
          was,
          now,
          `Table ${table} has the key ${was}, and would have ${now}: DynamoDB cannot change it. Give the table another name.`,
        ),
      ];
    return [
      before.keepsState
        ? change("said", `table ${table}`, was, "", `Table ${table} is not written any more. It stays, with its rows.`)
        : change(
            "dangerous",
            `table ${table}`,
            was,
            "",
            `Table ${table} is not written any more and would be deleted, with its rows. Deploy keepState: true first to keep it.`,
          ),
    ];
  });
}
