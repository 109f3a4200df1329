/** The addresses of an MSK cluster, asked of AWS when the stack is deployed: CloudFormation does not tell them. */

import { RemovalPolicy, Stack } from "aws-cdk-lib";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from "aws-cdk-lib/custom-resources";
import { Construct } from "constructs";
import { acknowledgeCdkFunction } from "./acknowledge.ts";
import type { KafkaLogin } from "./kafka.ts";

const FIELDS: Partial<Record<KafkaLogin["kind"], string>> = {
  iam: "BootstrapBrokerStringSaslIam",
  "scram-sha-512": "BootstrapBrokerStringSaslScram",
  certificate: "BootstrapBrokerStringTls",
  none: "BootstrapBrokerStringTls",
};

export class BootstrapServers extends Construct {
  /** For the login, host:port separated by commas. A cluster without that login has none, and the deployment fails. */
  readonly servers: string;

  constructor(scope: Construct, id: string, clusterArn: string, login: KafkaLogin["kind"]) {
    super(scope, id);
    const field = FIELDS[login] as string;
    const asked = new AwsCustomResource(this, "Ask", {
      resourceType: "Custom::MillraceBootstrapServers",
      installLatestAwsSdk: false,
      logGroup: new LogGroup(this, "Log", { retention: RetentionDays.ONE_MONTH, removalPolicy: RemovalPolicy.DESTROY }),
      onUpdate: {
        service: "Kafka",
        action: "GetBootstrapBrokers",
        parameters: { ClusterArn: clusterArn },
        physicalResourceId: PhysicalResourceId.of(`bootstrap-servers-${login}`),
        outputPaths: [field],
      },
      policy: AwsCustomResourcePolicy.fromSdkCalls({ resources: [clusterArn] }),
    });
    acknowledgeCdkFunction(asked);
    // One for all questions of a stack, beside the application.
    const uuid = AwsCustomResource.PROVIDER_FUNCTION_UUID.replaceAll("-", "");
    acknowledgeCdkFunction(Stack.of(this).node.findChild(`AWS${uuid}`));
    this.servers = asked.getResponseField(field);
  }
}
