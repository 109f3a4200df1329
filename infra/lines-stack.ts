/** The stack with this repository's operators, and the Kafka they run on. */

import { type App, Stack, Tags } from "aws-cdk-lib";
import type { Operator } from "millrace";
import { Kafka, MillraceApp } from "millrace/cdk";
import type { Stage } from "./stages.ts";

export class LinesStack extends Stack {
  constructor(
    app: App,
    id: string,
    { stage, operators }: { readonly stage: Stage; readonly operators: readonly Operator[] },
  ) {
    super(app, id, { description: `Millrace's own operators, ${stage.name}` });
    new MillraceApp(this, "Lines", {
      name: `lines-${stage.name}`,
      kafka: stage.kafka === "serverless" ? Kafka.mskServerless() : Kafka.mskProvisioned(),
      operators,
      keepState: stage.keepState,
    });
    Tags.of(this).add("application", "lines");
    Tags.of(this).add("stage", stage.name);
  }
}
