/**
 * What a function asks of AWS and of Kafka, written down at the clients: each request with the actions that it needs. Those of Kafka's requests are from Kafka's
 * documentation ("Protocol Details", Authorization), their names in IAM from that of MSK.
 */

import { clusterArns } from "../../lib/cdk/kafka-grants.ts";
import type { Connection, KafkaOutside } from "../../lib/kafka/kafka-outside.ts";
import { ProtocolReader } from "../../lib/kafka/protocol-reader.ts";
import { ProtocolWriter } from "../../lib/kafka/protocol-writer.ts";
import type { KafkaRequest } from "../../lib/kafka/requests.ts";
import type { Call } from "./policies.ts";
import { CLUSTER_ARN } from "./synthesize.ts";

export const REGION = "eu-west-1";

const arns = clusterArns(CLUSTER_ARN, (text, at) => text.split(at) as [string, string]);
const onTopics = (action: string, names: readonly string[]) =>
  names.map((name) => ({ action: `kafka-cluster:${action}`, resource: arns.topic(name) }));
const onGroup = (action: string, name: string) => ({ action: `kafka-cluster:${action}`, resource: arns.group(name) });
const onId = (action: string, id: string) => ({
  action: `kafka-cluster:${action}`,
  resource: arns.transactionalId(id),
});
const onCluster = (action: string) => ({ action: `kafka-cluster:${action}`, resource: arns.cluster });

/** The names of topics in an array of [name, partitions]. */
const topicsIn = (from: ProtocolReader, skipPartition: () => void) =>
  from.array(() => {
    const name = from.string();
    from.array(() => void [from.int32(), skipPartition()]);
    return name;
  });
const compactTopicsIn = (from: ProtocolReader) =>
  from.compactArray(() => {
    const name = from.compactString();
    from.compactArray(() => from.int32());
    from.skipTags();
    return name;
  });

/** What each request needs, read from its bytes. A request that is not here is a new one: say what it needs. */
const NEEDS: Readonly<Record<string, (from: ProtocolReader) => readonly Call[]>> = {
  ApiVersions: () => [],
  Produce: (from) => {
    const id = from.string();
    void [from.int16(), from.int32()];
    const topics = topicsIn(from, () => from.bytes());
    return [...onTopics("WriteData", topics), ...(id === "" ? [] : [onId("AlterTransactionalId", id)])];
  },
  Fetch: (from) => {
    void [from.int32(), from.int32(), from.int32(), from.int32(), from.int8(), from.int32(), from.int32()];
    const skip = () => [from.int32(), from.int64(), from.int64(), from.int32()];
    return onTopics("ReadData", topicsIn(from, skip));
  },
  ListOffsets: (from) => {
    void [from.int32(), from.int8()];
    return onTopics(
      "DescribeTopic",
      topicsIn(from, () => from.int64()),
    );
  },
  Metadata: (from) =>
    onTopics(
      "DescribeTopic",
      from.array(() => from.string()),
    ),
  OffsetFetch: (from) => [
    onGroup("DescribeGroup", from.compactString()),
    ...onTopics("DescribeTopic", compactTopicsIn(from)),
  ],
  OffsetCommit: (from) => {
    const group = from.string();
    void [from.int32(), from.string(), from.int64()];
    const topics = topicsIn(from, () => void [from.int64(), from.string()]);
    return [onGroup("AlterGroup", group), ...onTopics("ReadData", topics)];
  },
  FindCoordinator: (from) => {
    const id = from.string();
    return [from.int8() === 0 ? onGroup("DescribeGroup", id) : onId("DescribeTransactionalId", id)];
  },
  InitProducerId: (from) => [onId("AlterTransactionalId", from.string())],
  AddPartitionsToTxn: (from) => {
    const id = onId("AlterTransactionalId", from.string());
    void [from.int64(), from.int16()];
    return [
      id,
      ...onTopics(
        "WriteData",
        topicsIn(from, () => undefined),
      ),
    ];
  },
  AddOffsetsToTxn: (from) => {
    const id = onId("AlterTransactionalId", from.string());
    void [from.int64(), from.int16()];
    return [id, onGroup("AlterGroup", from.string())];
  },
  TxnOffsetCommit: (from) => {
    const id = onId("AlterTransactionalId", from.string());
    const group = onGroup("AlterGroup", from.string());
    void [from.int64(), from.int16()];
    return [
      id,
      group,
      ...onTopics(
        "ReadData",
        topicsIn(from, () => void [from.int64(), from.string()]),
      ),
    ];
  },
  EndTxn: (from) => [onId("AlterTransactionalId", from.string())],
  CreateTopics: (from) =>
    onTopics(
      "CreateTopic",
      from.array(() => {
        const name = from.string();
        void [from.int32(), from.int16(), from.array(() => from.int32())];
        from.array(() => [from.string(), from.string()]);
        return name;
      }),
    ),
  DescribeConfigs: (from) =>
    onTopics(
      "DescribeTopicDynamicConfiguration",
      from.array(() => {
        from.int8();
        const name = from.string();
        from.array(() => from.string());
        return name;
      }),
    ),
  DescribeTransactions: (from) => from.compactArray(() => onId("DescribeTransactionalId", from.compactString())),
  DescribeProducers: (from) => onTopics("ReadData", compactTopicsIn(from)),
  WriteTxnMarkers: () => [onCluster("AlterCluster")],
};

/** The world outside with every request written down. */
export function recordKafka(outside: KafkaOutside, record: (call: Call) => void): KafkaOutside {
  return {
    now: () => outside.now(),
    after: (ms, work) => outside.after(ms, work),
    connect: (host, port, settings): Connection => {
      const connection = outside.connect(host, port, settings);
      record(onCluster("Connect"));
      return {
        open: () => connection.open(),
        versionMax: (key) => connection.versionMax(key),
        isUsable: () => connection.isUsable(),
        destroy: (...args) => connection.destroy(...args),
        request: <T>(request: KafkaRequest<T>) => {
          const to = new ProtocolWriter();
          request.write(to);
          const needs = NEEDS[request.name];
          if (needs === undefined) throw new Error(`What ${request.name} needs nobody has said.`);
          for (const call of needs(new ProtocolReader(to.take()))) record(call);
          return connection.request(request);
        },
      };
    },
  };
}

type Sending = { send(command: { readonly input: object }): Promise<unknown> };
type Input = {
  readonly TableName?: string;
  readonly Item?: { readonly pk?: { readonly S?: string } };
  readonly Key?: Input["Item"];
  readonly ExpressionAttributeValues?: Readonly<Record<string, { readonly S?: string }>>;
  readonly Bucket?: string;
  readonly Prefix?: string;
};

const S3_ACTIONS: Readonly<Record<string, string>> = {
  GetObject: "s3:GetObject",
  PutObject: "s3:PutObject",
  DeleteObject: "s3:DeleteObject",
  DeleteObjects: "s3:DeleteObject",
  ListObjectsV2: "s3:ListBucket",
};

/** A client of the AWS SDK, with every command written down. `bucket`: as the template calls it. */
export function recordAws<C extends object>(client: C, record: (call: Call) => void, bucket = ""): C {
  const send = (client as unknown as Sending).send.bind(client);
  const recorded: Sending["send"] = (command) => {
    for (const call of toCalls(command.constructor.name.replace(/Command$/, ""), command.input, bucket)) record(call);
    return send(command);
  };
  return { send: recorded, destroy: () => undefined } as unknown as C;
}

function toCalls(operation: string, input: Input, bucket: string): readonly Call[] {
  const { TableName, Item, Key, ExpressionAttributeValues: values } = input;
  if (TableName !== undefined) {
    const pk = (Item ?? Key)?.pk?.S ?? values?.[":pk"]?.S;
    const resource = `arn:aws:dynamodb:${REGION}:111122223333:table/${TableName}`;
    const conditions = { "dynamodb:LeadingKeys": pk === undefined ? [] : [pk] };
    return [{ action: `dynamodb:${operation}`, resource, conditions }];
  }
  const action = S3_ACTIONS[operation];
  if (action === undefined) throw new Error(`What ${operation} needs nobody has said.`);
  const {
    Prefix,
    Key: key,
    Delete,
  } = input as Input & {
    readonly Key?: unknown;
    readonly Delete?: { readonly Objects: readonly { readonly Key: string }[] };
  };
  if (action === "s3:ListBucket")
    return [{ action, resource: `arn:aws:s3:::${bucket}`, conditions: { "s3:prefix": [Prefix ?? ""] } }];
  const keys = Delete === undefined ? [String(key)] : Delete.Objects.map((one) => one.Key);
  return keys.map((name) => ({ action, resource: `arn:aws:s3:::${bucket}/${name}` }));
}
