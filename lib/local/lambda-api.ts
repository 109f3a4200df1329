/** Lambda's API, as far as deployed functions are invoked through it: at AWS, or at an emulator's address. Loading this file loads the AWS SDK's signer. */

import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";
import { NodeHash } from "../kafka/node-hash.ts";
import { MillraceError } from "../stream/error.ts";
import { quote } from "../stream/sentence.ts";

const FUNCTIONS = "/2015-03-31/functions";
/** A function ends after 15 minutes; whoever waits longer waits for a connection that is dead. */
const ANSWER_TIMEOUT_MS = 16 * 60_000;
const NOT_FOUND = 404;
const BUSY = 429;
const ERRORS_FROM = 400;
const FAILURES_FROM = 500;

export type LambdaApiOptions = {
  /** Default: AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL, or AWS's own address in the region. */
  readonly endpoint?: string | undefined;
  /** Default: AWS_REGION, AWS_DEFAULT_REGION. */
  readonly region?: string | undefined;
  /** Whose credentials sign. Default: as everywhere with AWS. */
  readonly profile?: string | undefined;
  /** An emulator asks for some, and takes any. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
};

type Answer = { readonly status: number; readonly hasFailed: boolean; readonly body: string };

export class LambdaApi {
  readonly #url: URL;
  readonly #signer: SignatureV4;

  /** Throws MillraceError "usage" where neither an address nor a region is known. */
  constructor({ endpoint, region, profile, credentials }: LambdaApiOptions) {
    const { env } = process;
    const address = endpoint ?? env.AWS_ENDPOINT_URL_LAMBDA ?? env.AWS_ENDPOINT_URL;
    const where = region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
    if (where === undefined)
      throw new MillraceError("usage", "The functions' region is not known: set AWS_REGION, to eu-west-1 or another.");
    this.#url = new URL(address ?? `https://lambda.${where}.amazonaws.com`);
    this.#signer = new SignatureV4({
      service: "lambda",
      region: where,
      credentials: credentials ?? defaultProvider(profile === undefined ? {} : { profile }),
      sha256: NodeHash,
    });
  }

  /** Where the calls go. */
  get address(): string {
    return this.#url.origin;
  }

  /** The variables that a function was deployed with; undefined where there is no such function. */
  async environmentOf(functionName: string): Promise<Readonly<Record<string, string>> | undefined> {
    const answer = await this.#send("GET", `${FUNCTIONS}/${functionName}/configuration`);
    if (answer.status === NOT_FOUND) return undefined;
    this.#check(functionName, answer);
    const { Environment } = JSON.parse(answer.body) as { Environment?: { Variables?: Record<string, string> } };
    return Environment?.Variables ?? {};
  }

  /**
   * Invokes a function with the text of an event and waits for its answer. Rejects with what the function threw, under its name; with MillraceError "usage"
   * where Lambda will not take the call, however often; and with another error where it may the next time. Never repeats anything by itself.
   */
  async invoke(functionName: string, eventText: string): Promise<unknown> {
    const answer = await this.#send("POST", `${FUNCTIONS}/${functionName}/invocations`, eventText);
    this.#check(functionName, answer);
    const response = answer.body === "" ? null : (JSON.parse(answer.body) as unknown);
    if (!answer.hasFailed) return response;
    const { errorType = "Error", errorMessage = answer.body } = (response ?? {}) as Record<string, string | undefined>;
    throw Object.assign(new Error(errorMessage), { name: errorType });
  }

  #check(functionName: string, { status, body }: Answer): void {
    if (status < ERRORS_FROM) return;
    const sentence =
      status === NOT_FOUND
        ? `There is no function ${quote(functionName)} at ${this.#url.origin}: was its stack deployed there?`
        : `Lambda at ${this.#url.origin} did not take the call of ${quote(functionName)}: ${status} ${messageIn(body)}`;
    if (status === BUSY || status >= FAILURES_FROM) throw new Error(sentence);
    throw new MillraceError("usage", sentence);
  }

  async #send(method: string, path: string, body = ""): Promise<Answer> {
    const { protocol, hostname, host, port } = this.#url;
    const { headers } = await this.#signer.sign({
      method,
      protocol,
      hostname,
      ...(port !== "" && { port: Number(port) }),
      path,
      query: {},
      headers: { host, "content-type": "application/json" },
      body,
    });
    return new Promise((resolve, reject) => {
      const send = protocol === "https:" ? requestTls : requestPlain;
      const options = { method, headers, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) };
      const request = send(new URL(path, this.#url), options, (response) => {
        readText(response).then(
          (text) =>
            resolve({
              status: response.statusCode as number,
              hasFailed: response.headers["x-amz-function-error"] !== undefined,
              body: text,
            }),
          reject,
        );
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** What Lambda says of a call that it refuses. */
function messageIn(body: string): string {
  try {
    const { message, Message } = JSON.parse(body) as { message?: string; Message?: string };
    return message ?? Message ?? body;
  } catch {
    return body;
  }
}
