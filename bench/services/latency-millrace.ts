/** Runs a pipeline with the local runtime, without a batching window. Started as a process of its own by latency.ts. */

import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { openServices } from "../../lib/local/services.ts";
import { latencyApplication, type PipelineName } from "./latency-pipelines.ts";
import { sideOf, takePart } from "./words-side.ts";

const { kafka, dynamodb, round } = sideOf(process.argv.slice(2));
const [pipeline, number] = round.split(":") as [PipelineName, string];

await takePart(async () => {
  const application = latencyApplication(pipeline, Number(number));
  const workspace = await openServices(application, { kafka, dynamodb });
  const runtime = await startLocalRuntime({
    application,
    workspace,
    onProblem: (sentence) => process.stderr.write(`${sentence}\n`),
  });
  return {
    async begin() {},
    async end() {
      await runtime.stop();
      await workspace.close();
    },
  };
});
