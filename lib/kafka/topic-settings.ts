/** Whether topics that were there before have the settings that they are declared with: nobody changes them, as their records were written under those. */

import { MillraceError } from "../stream/error.ts";
import type { TopicSpec } from "./broker.ts";
import type { Cluster } from "./cluster.ts";
import { throwOnCode } from "./kafka-code-error.ts";
import type { KafkaRequest } from "./requests.ts";

const CLEANUP = "cleanup.policy";
const RETENTION = "retention.ms";
const RESOURCE_TOPIC = 2;
const CODE_TOPIC_NOT_ALLOWED = 29;

/** Throws "kafka" for the first that differs. A topic whose settings this client may not see is taken as it is. */
export async function checkTopicSettings(cluster: Cluster, specs: readonly TopicSpec[]): Promise<void> {
  const { controllerId } = await cluster.metadata([]);
  const found = await cluster.askNode(controllerId, describeConfigs(specs.map(({ name }) => name)));
  for (const { name, compacted, retentionMs } of specs) {
    const settings = found.get(name);
    const declared = new Map([
      [CLEANUP, compacted ? "compact" : "delete"],
      ...(retentionMs === undefined ? [] : [[RETENTION, String(retentionMs)] as const]),
    ]);
    for (const [setting, value] of declared) {
      const has = settings?.get(setting);
      if (has === undefined || has === value) continue;
      throw new MillraceError(
        "kafka",
        `Topic "${name}" is there with ${setting}=${has}, and is declared with ${value}: change the declaration, or the topic with kafka-configs.sh --alter --topic ${name} --add-config ${setting}=${value}.`,
      );
    }
  }
}

/** The settings of topics that are compared here. */
function describeConfigs(topics: readonly string[]): KafkaRequest<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  return {
    key: 32,
    version: 1,
    name: "DescribeConfigs",
    write: (to) =>
      to
        .array(topics, (topic) =>
          to
            .int8(RESOURCE_TOPIC)
            .string(topic)
            .array([CLEANUP, RETENTION], (setting) => to.string(setting)),
        )
        .boolean(false),
    read: (from) => {
      from.int32();
      const found = from.array(() => {
        const code = from.int16();
        from.string();
        from.int8();
        const topic = from.string();
        const settings = from.array(() => {
          const setting = [from.string(), from.string()] as const;
          // Read-only, source, sensitive.
          for (let i = 0; i < 3; i += 1) from.int8();
          from.array(() => [from.string(), from.string(), from.int8()]);
          return setting;
        });
        if (code !== CODE_TOPIC_NOT_ALLOWED) throwOnCode(code, "DescribeConfigs");
        return [topic, new Map(settings)] as const;
      });
      return new Map(found);
    },
  };
}
