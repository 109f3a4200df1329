/** A proxy in front of a real server that speaks S3's language: it sees every request, and answers itself or spoils what a test tells it to. */

import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type S3Call = { readonly method: string; readonly path: string };

export class LossyS3Proxy implements AsyncDisposable {
  /** Runs before a request is forwarded; what it returns is the answer instead. */
  before: (call: S3Call) => Promise<S3Answer | undefined> | S3Answer | undefined = () => undefined;
  /** What becomes of an answer's body. */
  spoil: (call: S3Call, body: Buffer) => Buffer = (_, body) => body;
  /** True: the answer breaks off after half of its body. */
  breaksOff: (call: S3Call) => boolean = () => false;
  /** Every request, in order. */
  readonly calls: S3Call[] = [];
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
    const sent = await readAll(incoming);
    const { method = "", url: path = "", headers } = incoming;
    const call = { method, path };
    this.calls.push(call);
    const instead = await this.before(call);
    if (instead !== undefined) {
      outgoing.writeHead(instead.status, { "content-type": "application/xml", ...instead.headers }).end(instead.body);
      return;
    }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { hostname, port } = this.#target;
      request({ hostname, port, method, path, headers }, resolve).once("error", reject).end(sent);
    });
    const body = this.spoil(call, await readAll(answer));
    outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
    if (!this.breaksOff(call)) outgoing.end(body);
    else outgoing.write(body.subarray(0, body.byteLength / 2), () => outgoing.destroy());
  }
}

export type S3Answer = {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A refusal as S3 words it. */
export function refusal(status: number, code: string, message: string, more = ""): S3Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`;
  return { status, body };
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
