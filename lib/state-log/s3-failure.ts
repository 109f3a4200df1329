/** Turns what the AWS SDK throws for a call to S3 into a sentence: what failed, where, and what to do. Never a word on whether a write took effect. */

import { MillraceError } from "../stream/error.ts";
import { toAwsFailure, withoutDot } from "./aws-failure.ts";

/** Where a call went, for the sentence. */
export type S3CallPlace = {
  readonly bucket: string;
  /** The endpoint, or the region where it is AWS's own. */
  readonly at: string;
  readonly operation: string;
  readonly deadlineMs: number;
};

/** A bucket that is asked for in a region that is not its own. */
const ELSEWHERE = new Set([
  "301",
  "307",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
  "PermanentRedirect",
  "TemporaryRedirect",
]);

const BAD_NAME = new Set(["InvalidBucketName", "InvalidBucket"]);

type S3Error = Error & {
  /** Where the bucket lies, in the body of the answer or in its head. */
  readonly Region?: string;
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
};

/** The failure as MillraceError "state-store"; one that already is a MillraceError, and what did not come from a call, stay what they are. */
export function toS3Failure(error: unknown, place: S3CallPlace): unknown {
  if (error instanceof MillraceError || !(error instanceof Error)) return error;
  return new MillraceError("state-store", sentenceFor(error, place), { cause: error });
}

function sentenceFor(error: S3Error, { bucket, at, operation, deadlineMs }: S3CallPlace): string {
  const { name, message } = error;
  const { kind, code } = toAwsFailure(error);
  const where = `S3 (${at})`;
  if (name === "NoSuchBucket")
    return `There is no bucket "${bucket}" in ${where}. Create it, in the region of the table, or name the right one.`;
  if (BAD_NAME.has(name))
    return `"${bucket}" cannot be the name of a bucket in ${where}: three to 63 small letters, digits, dots and hyphens.`;
  if (ELSEWHERE.has(name)) {
    const region = error.Region ?? error.$response?.headers?.["x-amz-bucket-region"];
    const lies = region === undefined ? "not in the region that was asked" : `in ${region}, not where it was asked for`;
    return `Bucket "${bucket}" lies ${lies} (${at}). Set AWS_REGION to the bucket's, or name one in the region of the table.`;
  }
  if (kind === "throttled")
    return `${where} throttles bucket "${bucket}": more is asked than it allows at present. It is tried again; if it goes on, lower the concurrency.`;
  if (kind === "credentials")
    return `${where} refuses the credentials for ${operation} on bucket "${bucket}": ${withoutDot(message)}. Check which identity is used and that its policy allows s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket.`;
  if (kind === "unreachable")
    return `${where} cannot be reached for bucket "${bucket}" (${code}). Check that it runs there and that the network lets you through; it is tried again.`;
  if (kind === "time-out")
    return `${where} did not answer ${operation} on bucket "${bucket}" in time (the whole call has ${deadlineMs} ms). Whether it took effect is not known; it is tried again.`;
  return `${operation} on bucket "${bucket}" in ${where} failed: ${withoutDot(message === "" ? name : message)} (${code ?? name}).`;
}
