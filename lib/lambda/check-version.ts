/**
 * A function that runs while a stack is deployed, before anything else of its application changes: it compares what is deployed with what is to be, and refuses
 * what would misread, leave behind or delete what is kept, unless somebody has confirmed that very change. What is deployed stands in CloudFormation's event.
 *
 * 1. Going back to the version before is always allowed: CloudFormation does it by itself when a deployment fails, and a refusal would leave the stack stuck.
 * 2. Which version that is stands in the resource's physical id, `now<before`: it changes only with what was accepted.
 */

import { isRefused } from "../runtime/change.ts";
import { changeOfKafka, changesBetween, type DeployedVersion } from "../runtime/changes.ts";
import { digestOf } from "../runtime/version.ts";

/** What the resource is told. Texts, since CloudFormation makes texts of everything. */
export type VersionProperties = {
  /** In JSON. */
  readonly version: string;
  /** An MSK cluster's ARN, or host:port separated by commas. */
  readonly kafka: string;
  /** The ids of confirmed changes, in JSON. */
  readonly confirmed: string;
  /** "true" where the stack is for an emulator of AWS alone. */
  readonly emulated: string;
};

/** CloudFormation's event for a custom resource. */
export type VersionEvent = {
  readonly RequestType: "Create" | "Update" | "Delete";
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: VersionProperties;
  readonly OldResourceProperties?: VersionProperties;
};

export type Verdict =
  | { readonly accepted: true; readonly physicalId: string }
  | { readonly accepted: false; readonly reason: string };

/** CloudFormation takes an answer of 4 KB, of which this is a part. */
const SAYS_CHARACTERS_MAX = 1_800;
const IDS_MAX = 12;

/** `inEmulator`: whether the environment is one's own of an emulator. */
export function judge(event: VersionEvent, inEmulator: boolean): Verdict {
  const { RequestType, PhysicalResourceId: id = "", ResourceProperties: now, OldResourceProperties: before } = event;
  if (RequestType === "Delete") return { accepted: true, physicalId: id };
  if (now.emulated === "true" && !inEmulator)
    return {
      accepted: false,
      reason:
        "This stack says Kafka.emulated, which is for emulators of AWS alone: no mapping of AWS could read such a Kafka. Say Kafka.mskServerless(), or another that is there.",
    };
  const digest = digestOf(`${now.version}\n${now.kafka}`);
  if (RequestType === "Create" || before === undefined) return { accepted: true, physicalId: digest };
  // Invariant 1.
  const [current = "", former = ""] = id.split("<");
  if (digest === current) return { accepted: true, physicalId: id };
  const next = { accepted: true, physicalId: `${digest}<${current}` } as const;
  if (digest === former) return next;
  const refused = refusedBetween(before, now);
  return refused.length === 0 ? next : { accepted: false, reason: reasonOf(refused) };
}

function refusedBetween(before: VersionProperties, now: VersionProperties) {
  const confirmed = new Set(JSON.parse(now.confirmed) as string[]);
  const [was, is] = [before, now].map(({ version }) => JSON.parse(version) as DeployedVersion) as [
    DeployedVersion,
    DeployedVersion,
  ];
  const ofKafka = was.application === is.application ? changeOfKafka(before.kafka, now.kafka) : [];
  return [...ofKafka, ...changesBetween(was, is)].filter((change) => isRefused(change, confirmed));
}

function reasonOf(refused: ReturnType<typeof refusedBetween>): string {
  const dangerous = refused.flatMap(({ kind, id }) => (kind === "dangerous" ? [id] : []));
  const named = dangerous.slice(0, IDS_MAX);
  const others = dangerous.length > named.length ? `, and ${dangerous.length - named.length} more` : "";
  const howTo =
    dangerous.length === 0
      ? ""
      : ` What is meant is confirmed by confirm: ${JSON.stringify(named)}${others} in MillraceApp; millrace changes lists all.`;
  const says = refused.map(({ says }) => says).join(" ");
  return `Nothing was changed. ${says.length > SAYS_CHARACTERS_MAX ? `${says.slice(0, SAYS_CHARACTERS_MAX)}…` : says}${howTo}`;
}

/** Answers CloudFormation, whatever happens: a deployment waits for it. */
export async function handler(event: VersionEvent): Promise<void> {
  const { ResponseURL, StackId, RequestId, LogicalResourceId, PhysicalResourceId = "none" } = event;
  const verdict = tryJudge(event);
  if (!verdict.accepted) console.warn(verdict.reason);
  const answer = {
    Status: verdict.accepted ? "SUCCESS" : "FAILED",
    Reason: verdict.accepted ? "" : verdict.reason,
    PhysicalResourceId: verdict.accepted ? verdict.physicalId : PhysicalResourceId,
    StackId,
    RequestId,
    LogicalResourceId,
  };
  // Bytes: a text would get a type, which is not in the signature of the address.
  const response = await fetch(ResponseURL, { method: "PUT", body: Buffer.from(JSON.stringify(answer)) });
  if (!response.ok) throw new Error(`CloudFormation answered ${response.status} to the verdict.`);
}

function tryJudge(event: VersionEvent): Verdict {
  try {
    return judge(event, process.env.AWS_ENDPOINT_URL !== undefined);
  } catch (error) {
    return { accepted: false, reason: `The versions could not be compared: ${(error as Error).message}` };
  }
}
