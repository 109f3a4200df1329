/** A proxy in front of a real DynamoDB that sees every call, and loses or delays what a test tells it to. */

import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Call = { readonly operation: string; readonly input: Readonly<Record<string, unknown>> };
export type Answered = Call & { readonly status: number; readonly output: Readonly<Record<string, unknown>> };

export const THROTTLED = "ProvisionedThroughputExceededException";

export class LossyProxy implements AsyncDisposable {
  /** Runs before a call is forwarded. */
  before: (call: Call) => Promise<void> | void = () => {};
  /** True: the call takes effect, and its reply is lost. */
  losesReply: (call: Call) => boolean = () => false;
  /** The name of the exception that the call is refused with, as DynamoDB does it; undefined: it is not. */
  refuses: (call: Call) => string | undefined = () => undefined;
  /** Every call that was answered by DynamoDB, in order, lost replies included. */
  readonly answered: Answered[] = [];
  readonly #target: URL;
  readonly #server = createServer((incoming, outgoing) => {
    this.#forward(incoming, outgoing).catch(() => outgoing.destroy());
  });

  constructor(endpoint: string) {
    this.#target = new URL(endpoint);
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readAll(incoming);
    const operation = String(incoming.headers["x-amz-target"]).replace(/^.*\./, "");
    const call = { operation, input: JSON.parse(body.toString()) as Record<string, unknown> };
    await this.before(call);
    const refusal = this.refuses(call);
    if (refusal !== undefined) {
      const body = { __type: `com.amazonaws.dynamodb.v20120810#${refusal}`, message: `Refused with ${refusal}` };
      outgoing.writeHead(400, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
      return;
    }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { hostname, port } = this.#target;
      const { method, url: path, headers } = incoming;
      request({ hostname, port, method, path, headers }, resolve).once("error", reject).end(body);
    });
    const reply = await readAll(answer);
    const status = answer.statusCode ?? 0;
    this.answered.push({ ...call, status, output: JSON.parse(reply.toString()) as Record<string, unknown> });
    if (this.losesReply(call)) {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(status, answer.headers).end(reply);
  }
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
