/** The server that a function's process talks to: it asks for an invocation and waits, and says what came of it. One server for one process. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An error as functions report it. */
export type ReportedError = {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
};

/** What a process says. */
export type RuntimeMessage =
  | { readonly kind: "asked" }
  | { readonly kind: "responded"; readonly requestId: string; readonly text: string }
  | { readonly kind: "failed"; readonly requestId: string; readonly error: ReportedError }
  | { readonly kind: "init-failed"; readonly error: ReportedError };

export type RuntimeInvocation = {
  readonly requestId: string;
  readonly deadlineMs: number;
  readonly functionArn: string;
  readonly eventText: string;
};

const NEXT = "/2018-06-01/runtime/invocation/next";
const INIT_ERROR = "/2018-06-01/runtime/init/error";
const OUTCOME = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/;

export class RuntimeApi {
  readonly #server: Server;
  readonly #tell: (message: RuntimeMessage) => void;
  /** The call that waits for an invocation. */
  #asking: ServerResponse | undefined;

  /** Whatever the process says is told to `tell`. */
  constructor(tell: (message: RuntimeMessage) => void) {
    this.#tell = tell;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** host:port */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers the process, which has asked. */
  give({ requestId, deadlineMs, functionArn, eventText }: RuntimeInvocation): void {
    const asking = this.#asking;
    this.#asking = undefined;
    asking?.writeHead(200, {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": requestId,
      "lambda-runtime-deadline-ms": String(deadlineMs),
      "lambda-runtime-invoked-function-arn": functionArn,
    });
    asking?.end(eventText);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = "" } = request;
    // Whoever was killed has no more to say.
    request.on("error", () => {});
    if (method === "GET" && url === NEXT) {
      this.#asking = response;
      return this.#tell({ kind: "asked" });
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const [, requestId, kind] = OUTCOME.exec(url) ?? [];
    const isKnown = method === "POST" && (url === INIT_ERROR || requestId !== undefined);
    response.writeHead(isKnown ? 202 : 404).end();
    if (!isKnown) return;
    if (requestId === undefined) this.#tell({ kind: "init-failed", error: JSON.parse(text) as ReportedError });
    else if (kind === "response") this.#tell({ kind: "responded", requestId, text });
    else this.#tell({ kind: "failed", requestId, error: JSON.parse(text) as ReportedError });
  }
}
