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
      kafka: this.#kafka(stage),
      operators,
      keepState: stage.keepData,
    });
    Tags.of(this).add("application", "lines");
    Tags.of(this).add("stage", stage.name);
  }
  #kafka({ kafka, keepData: keep }: Stage): Kafka {
    switch (kafka) {
      case "small":
        return Kafka.mskProvisioned({ instanceType: "kafka.t3.small", volumeGiB: 10, endpointZones: 1, keep });
      case "provisioned":
        return Kafka.mskProvisioned({ keep });
      case "emulated":
        // `millrace deploy --local` says where it is.
        return Kafka.emulated({ bootstrapServers: [this.node.tryGetContext("kafka") ?? "127.0.0.1:9092"] });
      default:
        return kafka satisfies never;
    }
  }
}
