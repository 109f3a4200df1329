/** One dashboard for an application: a row per operator, its functions beside each other in every picture. */

import { Dashboard, GraphWidget, type IWidget, type Metric, Stats, TextWidget } from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { Topology } from "../stream/plan.ts";
import { FunctionMetrics } from "./metrics.ts";

/** CloudWatch's grid has 24 columns. */
const WIDTH = 6;
const HEIGHT = 5;

export class OperatorsDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, { application, operators, functions }: Topology) {
    super(scope, id);
    this.dashboard = new Dashboard(this, "Dashboard", { dashboardName: application });
    for (const { operatorName } of operators) {
      const own = functions.filter((plan) => plan.operator.operatorName === operatorName);
      this.dashboard.addWidgets(new TextWidget({ markdown: `## ${operatorName}`, width: 24, height: 1 }));
      this.dashboard.addWidgets(...rowOf(own.map(({ name }) => new FunctionMetrics(application, name))));
    }
  }
}

function rowOf(functions: readonly FunctionMetrics[]): IWidget[] {
  const graph = (title: string, of: (metrics: FunctionMetrics) => Readonly<Record<string, Metric>>) =>
    new GraphWidget({
      title,
      left: functions.flatMap((metrics) =>
        Object.entries(of(metrics)).map(([what, metric]) => metric.with({ label: `${metrics.functionName} ${what}` })),
      ),
      width: WIDTH,
      height: HEIGHT,
    });
  return [
    graph("Records a minute", (metrics) => ({ records: metrics.own("Records") })),
    graph("Behind: offsets, watermark (ms)", (metrics) => ({
      offsets: metrics.lambda("OffsetLag", Stats.MAXIMUM),
      watermark: metrics.own("WatermarkLagMs", Stats.MAXIMUM),
    })),
    graph("Errors, dead letters, late", (metrics) => ({
      errors: metrics.lambda("Errors"),
      "dead letters": metrics.own("DeadLetters"),
      late: metrics.own("Late"),
    })),
    graph("Invocation and commit (ms, p95)", (metrics) => ({
      invocation: metrics.lambda("Duration", Stats.percentile(95)),
      commit: metrics.own("CommitMs", Stats.percentile(95)),
    })),
  ];
}
