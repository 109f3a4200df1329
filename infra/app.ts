/** The CDK app of this repository: its own operators, in a stage that the context names. `npx cdk synth -c stage=prod` */

import { App } from "aws-cdk-lib";
import { handler as cleanLines } from "../functions/clean-lines.ts";
import { handler as countWords } from "../functions/count-words.ts";
import { LinesStack } from "./lines-stack.ts";
import { stageOf } from "./stages.ts";

const app = new App();
const stage = stageOf(app.node.tryGetContext("stage"));

new LinesStack(app, `Lines-${stage.name}`, { stage, operators: [cleanLines, countWords] });
