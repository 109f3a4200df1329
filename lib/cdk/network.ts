/** The network of an MSK cluster: without internet, with an endpoint for each service that something in it calls, and for no other. */

import { CfnResource, Fn, RemovalPolicy } from "aws-cdk-lib";
import {
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type ISecurityGroup,
  type IVpc,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

/** What is called from inside the network. */
export type NetworkNeeds = {
  /** Wake-ups are sent. */
  readonly queue: boolean;
  /** A login is read. */
  readonly secrets: boolean;
  /** Large chunks are kept in S3. */
  readonly snapshots: boolean;
  /** Lambda's own pollers invoke functions through the network of the cluster; provisioned ones do not. */
  readonly onDemandPollers: boolean;
};

const HTTPS = 443;
const ZONES = 3;
/** MSK's ports with TLS: certificates, SCRAM, IAM. */
const KAFKA_PORTS = Port.tcpRange(9094, 9098);

const KEPT: ReadonlySet<string> = new Set([
  "AWS::EC2::VPC",
  "AWS::EC2::Subnet",
  "AWS::EC2::RouteTable",
  "AWS::EC2::SubnetRouteTableAssociation",
  "AWS::EC2::SecurityGroup",
  "AWS::EC2::SecurityGroupIngress",
  "AWS::EC2::SecurityGroupEgress",
]);

export class Network extends Construct {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  /** Of the functions, the brokers and what polls them: all that speak Kafka in here. */
  readonly securityGroup: ISecurityGroup;

  /** `vpc`: one that is there, whose endpoints or NAT gateways are its owner's. Default: a new one, with endpoints in each zone or in the first `endpointZones`. */
  constructor(scope: Construct, id: string, vpc: IVpc | undefined, needs: NetworkNeeds, endpointZones = ZONES) {
    super(scope, id);
    this.vpc = vpc ?? this.#newVpc();
    this.subnets =
      this.vpc.isolatedSubnets.length > 0
        ? { subnetType: SubnetType.PRIVATE_ISOLATED }
        : { subnetType: SubnetType.PRIVATE_WITH_EGRESS };
    this.securityGroup = new SecurityGroup(this, "Group", {
      vpc: this.vpc,
      description: "Millrace: brokers, functions and pollers",
      allowAllOutbound: false,
    });
    this.securityGroup.connections.allowInternally(KAFKA_PORTS, "Kafka with TLS");
    if (vpc === undefined) this.#addEndpoints(needs, endpointZones);
    else this.securityGroup.connections.allowToAnyIpv4(Port.tcp(HTTPS), "AWS services, by endpoints or NAT");
  }

  /** Keeps what the cluster stands in when the stack is deleted: it could not be deleted anyway, and the deletion would fail. Endpoints go. */
  keep(): void {
    for (const construct of this.node.findAll())
      if (construct instanceof CfnResource && KEPT.has(construct.cfnResourceType))
        construct.applyRemovalPolicy(RemovalPolicy.RETAIN);
  }

  #newVpc(): IVpc {
    const vpc = new Vpc(this, "Vpc", {
      ipAddresses: IpAddresses.cidr("10.0.0.0/16"),
      // The region's first zones, whatever the CDK knows of it: a stack without a region would have two, and Express brokers stand in three.
      availabilityZones: Array.from({ length: ZONES }, (_, i) => Fn.select(i, Fn.getAzs())),
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [{ name: "kafka", subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 }],
    });
    acknowledge(
      vpc,
      ["AwsSolutions-VPC7"],
      "Nothing leads into or out of this network but endpoints of AWS; flow logs are the account's to decide.",
    );
    // The CDK's class does not fit its own interface where optional properties are exact.
    return vpc as IVpc;
  }

  #addEndpoints({ queue, secrets, snapshots, onDemandPollers }: NetworkNeeds, zones: number): void {
    const { vpc } = this;
    // A gateway costs nothing.
    vpc.addGatewayEndpoint("DynamoDb", { service: GatewayVpcEndpointAwsService.DYNAMODB });
    if (snapshots) vpc.addGatewayEndpoint("S3", { service: GatewayVpcEndpointAwsService.S3 });
    this.securityGroup.connections.allowToAnyIpv4(Port.tcp(HTTPS), "AWS services, by endpoints");
    const services = {
      ...(queue && { Sqs: InterfaceVpcEndpointAwsService.SQS }),
      ...(secrets && { SecretsManager: InterfaceVpcEndpointAwsService.SECRETS_MANAGER }),
      ...(onDemandPollers && {
        Lambda: InterfaceVpcEndpointAwsService.LAMBDA,
        Sts: InterfaceVpcEndpointAwsService.STS,
      }),
    };
    if (Object.keys(services).length === 0) return;
    const group = new SecurityGroup(this, "EndpointGroup", {
      vpc,
      description: "Millrace: endpoints of AWS services",
      allowAllOutbound: false,
    });
    group.connections.allowFrom(this.securityGroup, Port.tcp(HTTPS), "functions and pollers");
    const subnets = { subnets: vpc.isolatedSubnets.slice(0, zones) };
    for (const [name, service] of Object.entries(services))
      vpc.addInterfaceEndpoint(name, { service, subnets, securityGroups: [group], open: false });
  }
}
