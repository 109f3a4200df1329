/** The metrics of an application by name: its own, which its functions write into their logs, and those that AWS measures. */

import { Duration } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { type MetricName, NAMESPACE } from "../lambda/metrics.ts";
import { consumerGroupOf, physicalName } from "./names.ts";

/** As AWS looks at them in alarms. */
const PERIOD = Duration.minutes(1);

export class FunctionMetrics {
  readonly functionName: string;
  readonly #application: string;

  constructor(application: string, functionName: string) {
    this.#application = application;
    this.functionName = functionName;
  }

  /** One that the function counts. */
  own(metricName: MetricName, statistic: string = Stats.SUM): Metric {
    return new Metric({
      namespace: NAMESPACE,
      metricName,
      dimensionsMap: { Application: this.#application, Function: this.functionName },
      statistic,
      period: PERIOD,
    });
  }

  /** One that Lambda measures. OffsetLag is that of the mappings, in offsets. */
  lambda(
    metricName: "Errors" | "Throttles" | "Duration" | "Invocations" | "OffsetLag",
    statistic: string = Stats.SUM,
  ): Metric {
    return new Metric({
      namespace: "AWS/Lambda",
      metricName,
      dimensionsMap: { FunctionName: physicalName(this.#application, this.functionName) },
      statistic,
      period: PERIOD,
    });
  }

  /** How long ago what the function has not read yet was written, in seconds; MSK measures it for its brokers' consumers. */
  timeLag(clusterName: string, topic: string): Metric {
    return new Metric({
      namespace: "AWS/Kafka",
      metricName: "EstimatedMaxTimeLag",
      dimensionsMap: {
        "Cluster Name": clusterName,
        "Consumer Group": consumerGroupOf(this.#application, this.functionName),
        Topic: topic,
      },
      statistic: Stats.MAXIMUM,
      period: PERIOD,
    });
  }
}
