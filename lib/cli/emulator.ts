/** The emulator of AWS that a command works with: where it is, and who one is there. */

import { MillraceError } from "../stream/error.ts";

export type EmulatorOptions = { readonly endpoint?: string };

/** What `--endpoint` says. */
export const ENDPOINT_HELP = "the emulator's (default: AWS_ENDPOINT_URL)";
/** Where everything in an emulator is. */
export const EMULATOR_REGION = "us-east-1";

/** The emulator's address. Throws MillraceError "usage" where nobody has said it. */
export function endpointOf({ endpoint = process.env.AWS_ENDPOINT_URL }: EmulatorOptions): string {
  if (endpoint !== undefined && URL.canParse(endpoint)) return endpoint;
  throw new MillraceError(
    "usage",
    "Where is the emulator? Say --endpoint http://127.0.0.1:4566, or set AWS_ENDPOINT_URL.",
  );
}

/** An emulator gets no keys that are worth anything; and a key of its own, since the CDK remembers accounts by key. */
export function credentialsFor(endpoint: string): { readonly accessKeyId: string; readonly secretAccessKey: string } {
  return { accessKeyId: `emulator${new URL(endpoint).port}`, secretAccessKey: "local" };
}
