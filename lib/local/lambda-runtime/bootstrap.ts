/**
 * The first thing that runs in a function's process, in the place of Lambda's own: loads the handler that the environment names, then asks the Runtime
 * API for one invocation after the other. It has nothing but Node, and the process holds nothing but it and the function's code.
 */

import { request } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

type Answer = { readonly headers: Readonly<Record<string, string | string[] | undefined>>; readonly text: string };

const { env } = process;
const API = "/2018-06-01/runtime";

/** A connection for each call: one that was kept may have ended while this process was frozen. */
function call(method: "GET" | "POST", path: string, body?: string): Promise<Answer> {
  const [host, port] = (env.AWS_LAMBDA_RUNTIME_API as string).split(":");
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, method, path: `${API}${path}`, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => resolve({ headers: response.headers, text: Buffer.concat(parts).toString() }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** An error as Lambda writes it. */
function toErrorText(error: unknown): string {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return JSON.stringify({ errorType: name, errorMessage: message, trace: stack?.split("\n") ?? [] });
}

async function loadHandler(): Promise<(event: unknown, context: unknown) => unknown> {
  const [file, name] = (env._HANDLER as string).split(".") as [string, string];
  const path = join(env.LAMBDA_TASK_ROOT as string, `${file}.mjs`);
  const exported = ((await import(pathToFileURL(path).href)) as Record<string, unknown>)[name];
  if (typeof exported === "function") return exported as (event: unknown, context: unknown) => unknown;
  throw Object.assign(new Error(`${env._HANDLER} is undefined or not exported`), { name: "Runtime.HandlerNotFound" });
}

let requestId: string | undefined;

/** As Lambda does where logs are JSON: what is said to the console is an object a line. */
function writeConsoleAsJson(): void {
  const levels = { debug: "DEBUG", log: "INFO", info: "INFO", warn: "WARN", error: "ERROR" } as const;
  for (const [method, level] of Object.entries(levels)) {
    console[method as keyof typeof levels] = (...said: unknown[]) => {
      const message = said
        .map((one) => (typeof one === "string" ? one : (JSON.stringify(one) ?? String(one))))
        .join(" ");
      const line = { timestamp: new Date().toISOString(), level, requestId, message };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    };
  }
}

function newContext(headers: Answer["headers"]) {
  const deadlineMs = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    awsRequestId: requestId,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

if (env.AWS_LAMBDA_LOG_FORMAT === "JSON") writeConsoleAsJson();
const handler = await loadHandler().catch(async (error: unknown) => {
  await call("POST", "/init/error", toErrorText(error));
  return process.exit(1);
});
for (;;) {
  const { headers, text } = await call("GET", "/invocation/next");
  requestId = headers["lambda-runtime-aws-request-id"] as string;
  try {
    const response = await handler(JSON.parse(text), newContext(headers));
    await call("POST", `/invocation/${requestId}/response`, JSON.stringify(response) ?? "null");
  } catch (error) {
    await call("POST", `/invocation/${requestId}/error`, toErrorText(error));
  }
}
