/** A Kafka in a stack: the cluster where one is made, and what functions, mappings and policies need to know of any. */

import { CfnDeletionPolicy, Fn, RemovalPolicy, Token } from "aws-cdk-lib";
import type { ISecurityGroup, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { CfnCluster, CfnServerlessCluster } from "aws-cdk-lib/aws-msk";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct, type IDependable } from "constructs";
import { MillraceError } from "../stream/error.ts";
import { BootstrapServers } from "./bootstrap-servers.ts";
import type { Kafka, KafkaLogin, KafkaSpec, TopicsBy } from "./kafka.ts";
import { type ClusterArns, clusterArns } from "./kafka-grants.ts";
import { Network, type NetworkNeeds } from "./network.ts";

/** Where functions and pollers stand. */
export type ConnectedNetwork = {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroups: readonly ISecurityGroup[];
};

/** What an event source mapping says of its login and network. */
export type SourceAccess = { readonly type: string; readonly uri: string };

const ZONES_MAX = 3;

export class KafkaConnection extends Construct {
  /** An MSK cluster's; undefined: self-managed. */
  readonly clusterArn: string | undefined;
  /** As CloudWatch calls it, where it measures its consumers. */
  readonly clusterName: string | undefined;
  /** host:port, separated by commas. */
  readonly bootstrapServers: string;
  readonly network: ConnectedNetwork | undefined;
  readonly topicsBy: TopicsBy;
  /** Copies of a topic, where CloudFormation makes it. */
  readonly replicationFactor: number;
  readonly login: KafkaLogin;
  readonly authority: ISecret | undefined;
  readonly dependencies: readonly IDependable[] = [];
  readonly #tls: boolean;

  /** `name`: of a cluster that is made. */
  constructor(scope: Construct, id: string, { spec }: Kafka, name: string, needs: NetworkNeeds) {
    super(scope, id);
    this.login = loginOf(spec);
    this.#tls = spec.kind !== "emulated";
    this.replicationFactor = 3;
    switch (spec.kind) {
      case "self-managed":
        this.authority = spec.authority;
        this.bootstrapServers = spec.bootstrapServers.join();
        this.topicsBy = "function";
        this.network = spec.network === undefined ? undefined : { ...spec.network, subnets: subnetsOf(spec.network) };
        return;
      case "emulated":
        this.bootstrapServers = spec.bootstrapServers.join();
        this.topicsBy = "deployer";
        return;
      case "msk":
        this.clusterArn = spec.clusterArn;
        this.clusterName = Token.isUnresolved(spec.clusterArn) ? undefined : spec.clusterArn.split("/")[1];
        this.topicsBy = spec.topicsBy;
        this.network = { ...spec.network, subnets: subnetsOf(spec.network) };
        break;
      case "provisioned":
      case "serverless": {
        const network = new Network(this, "Network", spec.vpc, needs, spec.endpointZones);
        const { vpc, subnets, securityGroup } = network;
        this.network = { vpc, subnets, securityGroups: [securityGroup] };
        const cluster =
          spec.kind === "serverless" ? this.#serverless(name, network) : this.#provisioned(name, network, spec);
        // No update ever takes a cluster away: one that is replaced stays, and whoever replaced it deletes it.
        cluster.applyRemovalPolicy(spec.keep ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY, {
          applyToUpdateReplacePolicy: false,
        });
        cluster.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
        if (spec.keep) network.keep();
        this.clusterArn = cluster.attrArn;
        this.clusterName = spec.kind === "provisioned" ? name : undefined;
        this.topicsBy = spec.kind === "provisioned" ? spec.topicsBy : "function";
        if (spec.kind === "provisioned")
          this.replicationFactor = Math.min(ZONES_MAX, vpc.selectSubnets(subnets).subnetIds.length);
        this.dependencies = [cluster];
        break;
      }
      default:
        spec satisfies never;
        throw new Error("unreachable");
    }
    const known = spec.kind === "msk" ? spec.bootstrapServers : undefined;
    this.bootstrapServers =
      known ?? new BootstrapServers(this, "BootstrapServers", this.clusterArn, this.login.kind).servers;
  }

  /** The ARNs of what is in the cluster; undefined where no policy says who may use it. */
  get arns(): ClusterArns | undefined {
    if (this.clusterArn === undefined || this.login.kind !== "iam") return undefined;
    return clusterArns(this.clusterArn, (text, at) =>
      Token.isUnresolved(text)
        ? [Fn.select(0, Fn.split(at, text)), Fn.select(1, Fn.split(at, text))]
        : (text.split(at) as [string, string]),
    );
  }

  /** What a function's environment says of it; secrets are named elsewhere. */
  get environment(): Record<string, string> {
    const kind = this.login.kind === "certificate" ? "none" : this.login.kind;
    return {
      KAFKA_BOOTSTRAP_SERVERS: this.bootstrapServers,
      MILLRACE_KAFKA_TLS: String(this.#tls),
      MILLRACE_KAFKA_LOGIN: kind,
    };
  }

  get secrets(): { readonly own: ISecret | undefined; readonly authority: ISecret | undefined } {
    return { own: "secret" in this.login ? this.login.secret : undefined, authority: this.authority };
  }

  /** For event source mappings; those of an MSK cluster know its network by themselves. */
  get sourceAccess(): readonly SourceAccess[] {
    const { own, authority } = this.secrets;
    const access: SourceAccess[] = [];
    if (own !== undefined)
      access.push({ type: ACCESS_TYPES[this.login.kind as keyof typeof ACCESS_TYPES], uri: own.secretArn });
    if (authority !== undefined) access.push({ type: "SERVER_ROOT_CA_CERTIFICATE", uri: authority.secretArn });
    if (this.clusterArn !== undefined || this.network === undefined) return access;
    const { vpc, subnets, securityGroups } = this.network;
    return [
      ...access,
      ...vpc.selectSubnets(subnets).subnetIds.map((id) => ({ type: "VPC_SUBNET", uri: `subnet:${id}` })),
      ...securityGroups.map((group) => ({
        type: "VPC_SECURITY_GROUP",
        uri: `security_group:${group.securityGroupId}`,
      })),
    ];
  }

  #provisioned(
    clusterName: string,
    { vpc, subnets, securityGroup }: Network,
    { instanceType, brokers, kafkaVersion, volumeGiB }: Extract<KafkaSpec, { kind: "provisioned" }>,
  ): CfnCluster {
    const { subnetIds } = vpc.selectSubnets(subnets);
    const zones = Math.min(ZONES_MAX, subnetIds.length);
    if (zones < (instanceType.startsWith("express.") ? ZONES_MAX : 2) || brokers % zones !== 0)
      throw new MillraceError(
        "definition",
        `${brokers} brokers of kind ${instanceType} do not fit into the ${subnetIds.length} subnets of the network: Express brokers need three zones, others two or three, and each zone has as many.`,
      );
    return new CfnCluster(this, "Cluster", {
      clusterName,
      kafkaVersion,
      numberOfBrokerNodes: brokers,
      brokerNodeGroupInfo: {
        instanceType,
        clientSubnets: subnetIds.slice(0, ZONES_MAX),
        securityGroups: [securityGroup.securityGroupId],
        ...(volumeGiB !== undefined && { storageInfo: { ebsStorageInfo: { volumeSize: volumeGiB } } }),
      },
      clientAuthentication: { sasl: { iam: { enabled: true } }, unauthenticated: { enabled: false } },
      encryptionInfo: { encryptionInTransit: { clientBroker: "TLS", inCluster: true } },
      enhancedMonitoring: "DEFAULT",
      loggingInfo: {
        brokerLogs: { cloudWatchLogs: { enabled: true, logGroup: this.#brokerLog(clusterName).logGroupName } },
      },
    });
  }

  #brokerLog(clusterName: string): LogGroup {
    return new LogGroup(this, "Log", {
      logGroupName: `/aws/msk/${clusterName}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  #serverless(clusterName: string, { vpc, subnets, securityGroup }: Network): CfnServerlessCluster {
    return new CfnServerlessCluster(this, "Cluster", {
      clusterName,
      vpcConfigs: [
        {
          subnetIds: vpc.selectSubnets(subnets).subnetIds.slice(0, ZONES_MAX),
          securityGroups: [securityGroup.securityGroupId],
        },
      ],
      clientAuthentication: { sasl: { iam: { enabled: true } } },
    });
  }
}

function loginOf(spec: KafkaSpec): KafkaLogin {
  if (spec.kind === "emulated") return { kind: "none" };
  return spec.kind === "msk" || spec.kind === "self-managed" ? spec.login : { kind: "iam" };
}

const ACCESS_TYPES = {
  plain: "BASIC_AUTH",
  "scram-sha-256": "SASL_SCRAM_256_AUTH",
  "scram-sha-512": "SASL_SCRAM_512_AUTH",
  certificate: "CLIENT_CERTIFICATE_TLS_AUTH",
} as const;

function subnetsOf({ vpc, subnets }: { readonly vpc: IVpc; readonly subnets?: SubnetSelection }): SubnetSelection {
  if (subnets !== undefined) return subnets;
  return { subnets: vpc.isolatedSubnets.length > 0 ? vpc.isolatedSubnets : vpc.privateSubnets };
}
