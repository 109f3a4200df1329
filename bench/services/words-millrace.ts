/** Counts the words with an operator, run by the local runtime on servers. Started as a process of its own by words.ts. */

import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { openServices } from "../../lib/local/services.ts";
import { BATCH_LINES, countingApplication } from "./words-input.ts";
import { sideOf, takePart } from "./words-side.ts";

const { kafka, dynamodb, round } = sideOf(process.argv.slice(2));

await takePart(async () => {
  const application = countingApplication(round);
  const workspace = await openServices(application, { kafka, dynamodb });
  let stop = async () => {};
  return {
    async begin() {
      const runtime = await startLocalRuntime({
        application,
        workspace,
        batchSize: BATCH_LINES,
        onProblem: (sentence) => process.stderr.write(`${sentence}\n`),
      });
      stop = () => runtime.stop();
    },
    async end() {
      await stop();
      await workspace.close();
    },
  };
});
