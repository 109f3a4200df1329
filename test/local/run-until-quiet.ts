/** A process that runs the word application in a folder until nothing is left to do, or until it is killed. Arguments: folder, seed of faults or "none". */

import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { openWorkspace } from "../../lib/local/workspace.ts";
import { createFaults } from "../../lib/simulation/faults.ts";
import { wordApplication } from "./word-application.ts";

const [folder, seed] = process.argv.slice(2) as [string, string];
const application = wordApplication();
const workspace = await openWorkspace(application, { folder, exclusive: true });
const faults = seed === "none" ? {} : { faults: createFaults({ seed: Number(seed), probability: 0.3 }) };
const runtime = await startLocalRuntime({ application, workspace, batchSize: 10, ...faults });
process.stdout.write("started\n");
await runtime.quiet();
await runtime.stop();
await workspace.close();
process.stdout.write("quiet\n");
