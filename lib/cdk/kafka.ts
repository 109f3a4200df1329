/**
 * The Kafka that an application runs on, as its author names it: a cluster that is made, one that is there, or one that somebody else runs. What is
 * said here becomes resources only in the stack that uses it.
 */

import type { ISecurityGroup, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { MillraceError } from "../stream/error.ts";
import { quote } from "../stream/sentence.ts";

/** How functions and their mappings log in. */
export type KafkaLogin =
  | { readonly kind: "iam" }
  /** A secret with `username` and `password`. */
  | { readonly kind: "scram-sha-256" | "scram-sha-512" | "plain"; readonly secret: ISecret }
  /** A secret with `certificate`, `privateKey` and perhaps `privateKeyPassword`. */
  | { readonly kind: "certificate"; readonly secret: ISecret }
  /** TLS without a login. */
  | { readonly kind: "none" };

/** A network that is there. */
export type KafkaNetwork = {
  readonly vpc: IVpc;
  /** Default: the isolated subnets, or the private ones. */
  readonly subnets?: SubnetSelection;
  /** Groups from which the brokers are reached. */
  readonly securityGroups: readonly ISecurityGroup[];
};

/**
 * Who makes topics: a function of ours, which takes those that are there if they fit, or CloudFormation, which refuses them, also when what was destroyed is deployed
 * again; for an emulator whoever deploys.
 */
export type TopicsBy = "cloudformation" | "function" | "deployer";

type Provisioned = {
  readonly kind: "provisioned";
  readonly vpc: IVpc | undefined;
  readonly instanceType: string;
  readonly brokers: number;
  readonly kafkaVersion: string;
  readonly volumeGiB: number | undefined;
  readonly endpointZones: number | undefined;
  readonly keep: boolean;
  readonly topicsBy: Exclude<TopicsBy, "deployer">;
};

export type KafkaSpec =
  | Provisioned
  | {
      readonly kind: "serverless";
      readonly vpc: IVpc | undefined;
      readonly endpointZones: number | undefined;
      readonly keep: boolean;
    }
  | {
      readonly kind: "msk";
      readonly clusterArn: string;
      readonly network: KafkaNetwork;
      readonly bootstrapServers: string | undefined;
      readonly login: KafkaLogin;
      readonly topicsBy: TopicsBy;
    }
  | {
      readonly kind: "self-managed";
      readonly bootstrapServers: readonly string[];
      readonly network: KafkaNetwork | undefined;
      readonly login: KafkaLogin;
      /** A secret with the `certificate` of the authority to trust. */
      readonly authority: ISecret | undefined;
    }
  | { readonly kind: "emulated"; readonly bootstrapServers: readonly string[] };

const CLUSTER_ARN = /^arn:[\w-]+:kafka:[\w-]+:\d{12}:cluster\/[^/]+\/[\w-]+$/;

export class Kafka {
  /** Whether it goes on to say. */
  readonly spec: KafkaSpec;

  private constructor(spec: KafkaSpec) {
    this.spec = spec;
  }

  /**
   * A new MSK cluster with brokers of its own, and the login by IAM alone. Default: three Express brokers of the smallest kind, which AWS recommends for
   * most; a standard broker (`kafka.t3.small`, `kafka.m7g.large`) is cheaper, and has a volume; a `t3` takes four new logins by IAM a second, which is for trying
   * things.
   *
   * @param options.vpc default: a new one without internet, with the endpoints that the functions need
   * @param options.endpointZones in how many zones of a new VPC there are endpoints for AWS's services, each paid by the hour: one is enough until that zone
   *   fails. Default: in each
   * @param options.brokers a multiple of the availability zones, of which three are used, two where the VPC has no more. Default: one in each
   * @param options.keep whether it outlives the stack, with its topics and with the network that it stands in. Default: true
   */
  static mskProvisioned(
    options: {
      readonly vpc?: IVpc;
      readonly instanceType?: string;
      readonly brokers?: number;
      readonly kafkaVersion?: string;
      readonly volumeGiB?: number;
      readonly endpointZones?: 1 | 2 | 3;
      readonly keep?: boolean;
      /** Default: a function. */
      readonly topicsBy?: Exclude<TopicsBy, "deployer">;
    } = {},
  ): Kafka {
    const {
      instanceType = "express.m7g.large",
      kafkaVersion = "3.9.x",
      volumeGiB,
      brokers = 3,
      topicsBy = "function",
      keep = true,
    } = options;
    const isExpress = instanceType.startsWith("express.");
    if (isExpress && volumeGiB !== undefined)
      throw refuse(`${quote(instanceType)} is an Express broker, whose storage grows by itself: leave volumeGiB out.`);
    if (!/^(express|kafka)\.\w+\.\w+$/.test(instanceType))
      throw refuse(`${quote(instanceType)} is no kind of broker; one is "express.m7g.large" or "kafka.m7g.large".`);
    if (!/^\d+\.\d+(\.\w+)?$/.test(kafkaVersion) || compareVersions(kafkaVersion, "3.6") < 0)
      throw refuse(
        `Kafka ${kafkaVersion} cannot be used for a new cluster: exactlyOnce topics and topics by CloudFormation need 3.6 or later.`,
      );
    if (isExpress && brokers % 3 !== 0)
      throw refuse(`Express brokers stand in three zones: ${brokers} is no multiple of three.`);
    return new Kafka({
      kind: "provisioned",
      vpc: options.vpc,
      instanceType,
      brokers,
      kafkaVersion,
      volumeGiB: isExpress ? undefined : (volumeGiB ?? 20),
      endpointZones: options.endpointZones,
      keep,
      topicsBy,
    });
  }

  /**
   * A new MSK Serverless cluster, and the login by IAM alone. It is paid by the hour, by partition and by byte: while nothing flows it costs more than three small brokers
   * of one's own.
   *
   * @param options.endpointZones as of `mskProvisioned`
   * @param options.keep as of `mskProvisioned`
   */
  static mskServerless({
    vpc,
    endpointZones,
    keep = true,
  }: {
    readonly vpc?: IVpc;
    readonly endpointZones?: 1 | 2 | 3;
    readonly keep?: boolean;
  } = {}): Kafka {
    return new Kafka({ kind: "serverless", vpc, endpointZones, keep });
  }

  /**
   * An MSK cluster that is there. Throws for an ARN that is not a cluster's.
   *
   * @param options.bootstrapServers default: asked of AWS when it is deployed
   * @param options.topicsBy default: a function, which takes topics that are there if they fit; CloudFormation refuses them, and does not do it for
   *   serverless clusters
   */
  static msk(options: {
    readonly clusterArn: string;
    readonly network: KafkaNetwork;
    readonly bootstrapServers?: string;
    readonly login?: KafkaLogin;
    readonly topicsBy?: Exclude<TopicsBy, "deployer">;
  }): Kafka {
    const { clusterArn, login = { kind: "iam" }, topicsBy = "function" } = options;
    if (!clusterArn.includes("${Token[") && !CLUSTER_ARN.test(clusterArn))
      throw refuse(
        `${quote(clusterArn)} is not the ARN of an MSK cluster, arn:aws:kafka:region:account:cluster/name/id.`,
      );
    if (login.kind === "plain" || login.kind === "scram-sha-256")
      throw refuse(`An MSK cluster has no login by ${login.kind}: use IAM, scram-sha-512, or a certificate.`);
    return new Kafka({ ...options, kind: "msk", login, topicsBy, bootstrapServers: options.bootstrapServers });
  }

  /**
   * Kafka that somebody else runs, spoken to with TLS. Without a network of yours it is reached through the internet, and the functions stand in no VPC.
   * Event source mappings know no login by IAM for it.
   */
  static selfManaged(options: {
    /** host:port */
    readonly bootstrapServers: readonly string[];
    readonly login: KafkaLogin;
    readonly network?: KafkaNetwork;
    readonly authority?: ISecret;
  }): Kafka {
    const { bootstrapServers, login, network, authority } = options;
    checkServers(bootstrapServers);
    if (login.kind === "iam")
      throw refuse("The login by IAM is MSK's alone: use Kafka.msk for an MSK cluster, or SCRAM or a certificate.");
    if (login.kind === "none" && network === undefined)
      throw refuse("Kafka without a login is reached only inside a network: name it, or a login.");
    return new Kafka({ kind: "self-managed", bootstrapServers, login, network, authority });
  }

  /**
   * Kafka beside an emulator of AWS, without TLS, login and network: for `millrace deploy --local`, which makes the topics, and for nothing else. No mapping of AWS
   * could read it.
   */
  static emulated({ bootstrapServers }: { readonly bootstrapServers: readonly string[] }): Kafka {
    checkServers(bootstrapServers);
    return new Kafka({ kind: "emulated", bootstrapServers });
  }
}

function checkServers(bootstrapServers: readonly string[]): void {
  const wrong = bootstrapServers.find((server) => !/^[^\s,]+:\d+$/.test(server));
  if (bootstrapServers.length === 0 || wrong !== undefined)
    throw refuse(`bootstrapServers is a list of host:port; this is not: ${quote(wrong ?? "")}.`);
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number));
  return (left?.[0] as number) - (right?.[0] as number) || (left?.[1] as number) - (right?.[1] as number);
}

function refuse(sentence: string): MillraceError {
  return new MillraceError("definition", sentence);
}
