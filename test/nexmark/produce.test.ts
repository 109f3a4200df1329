/** Events written to a topic: all of them, in the partitions in turn, and in each a last one that closes every window. */

import { MemoryBroker } from "millrace";
import { expect, test } from "vitest";
import { nexmarkEvents } from "../../bench/nexmark/generate.ts";
import { produceEvents } from "../../bench/nexmark/produce.ts";

async function readValues(broker: MemoryBroker, partition: number): Promise<string[]> {
  const { records } = await broker.fetch("events", partition, 0, { bytesMax: 2 ** 30, recordsMax: 2 ** 20 });
  return Array.from({ length: records.count }, (_, i) =>
    Buffer.from(records.bytes.subarray(records.valueStart[i], records.valueEnd[i])).toString(),
  );
}

test("events come to the partitions in turn, with the text that the generator gives", async () => {
  const broker = new MemoryBroker();
  await produceEvents(broker, { topic: "events", partitions: 3, from: 7, to: 25_000, closes: false });
  const all = [...nexmarkEvents(7, 25_000)].map(({ json }) => json);
  for (const partition of [0, 1, 2])
    expect(await readValues(broker, partition)).toEqual(all.filter((_, i) => (i + 7) % 3 === partition));
});

test("a person who comes a day later closes each partition", async () => {
  const broker = new MemoryBroker();
  await produceEvents(broker, {
    topic: "events",
    partitions: 2,
    from: 0,
    to: 4,
    closes: true,
    eventsPerSecond: 1,
    startMs: 0,
  });
  for (const partition of [0, 1]) {
    const values = await readValues(broker, partition);
    expect(values).toHaveLength(3);
    expect(JSON.parse(values[2] as string)).toMatchObject({ event_type: 0, person: { dateTime: 86_403_000 } });
  }
});
