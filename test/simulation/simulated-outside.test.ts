/** Connections to the simulated Kafka: order, losses and what arrives too late. Numbers are the invariants of lib/simulation/simulated-outside.ts. */

import { beforeEach, describe, expect, test } from "vitest";
import { IDLE_MS_MAX } from "../../lib/kafka/kafka-connection.ts";
import { commitOffset, listOffsets } from "../../lib/kafka/requests.ts";
import { type Network, NetworkError } from "../../lib/simulation/network.ts";
import { SimulatedKafka } from "../../lib/simulation/simulated-kafka.ts";
import { simulatedOutside } from "../../lib/simulation/simulated-outside.ts";

type Call = {
  readonly name: string;
  /** The request arrives. */
  arrive(): void;
  answer(): void;
  lose(): void;
};

/** A network in which the test says what happens to each call. */
class ManualNetwork implements Network {
  readonly calls: Call[] = [];

  call<T>(name: string, serve: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let result: (() => void) | undefined;
      const arrive = () => {
        try {
          const value = serve();
          result = () => resolve(value);
        } catch (error) {
          result = () => reject(error);
        }
      };
      this.calls.push({
        name,
        arrive,
        answer: () => result?.(),
        lose: () => reject(new NetworkError("the answer was lost")),
      });
    });
  }

  occurs = () => false;
  below = () => 0;
}

const rest = () => new Promise((resolve) => setImmediate(resolve));

let kafka: SimulatedKafka;
let network: ManualNetwork;
let nowMs: number;
beforeEach(() => {
  nowMs = 1_000_000;
  kafka = new SimulatedKafka({ now: () => nowMs, later: (_, work) => queueMicrotask(work), brokers: 1 });
  network = new ManualNetwork();
  kafka.createTopic("t", 1);
});

async function connect() {
  const outside = simulatedOutside(kafka, network, { now: () => nowMs, after: () => () => {} });
  const connection = outside.connect("simulated-kafka", 9093, { brokers: [] });
  const opened = connection.open();
  const [call] = network.calls.splice(0);
  call?.arrive();
  call?.answer();
  await opened;
  return connection;
}

/** Commits numbers as a group's offset, each when the last was sent; what has ended is in `ended`. */
function commitAll(connection: Awaited<ReturnType<typeof connect>>, ...offsets: number[]) {
  const ended: string[] = [];
  for (const offset of offsets)
    connection.request(commitOffset("g", { topic: "t", partition: 0 }, offset)).then(
      () => ended.push(`${offset}`),
      (error: Error) => ended.push(`${offset}: ${error.name}`),
    );
  return ended;
}

const committed = () => kafka.committedOffset("g", "t", 0);

describe("1: requests", () => {
  test("arrive in the order in which they were sent: the next sets out when the last has arrived", async () => {
    const ended = commitAll(await connect(), 1, 2, 3);
    expect(network.calls.length).toBe(1);
    network.calls[0]?.arrive();
    expect(committed()).toBe(1);
    expect(network.calls.length).toBe(2);
    network.calls[1]?.arrive();
    network.calls[2]?.arrive();
    expect(committed()).toBe(3);
    await rest();
    expect(ended).toEqual([]);
  });

  test("behind one that never arrives do not arrive either", async () => {
    const ended = commitAll(await connect(), 1, 2);
    network.calls[0]?.lose();
    await rest();
    expect(network.calls.length).toBe(1);
    expect(ended).toEqual(["1: ConnectionLostError", "2: ConnectionLostError"]);
    expect(committed()).toBe(undefined);
  });
});

describe("2: answers", () => {
  test("come in the order of the requests, however they travel", async () => {
    const ended = commitAll(await connect(), 1, 2, 3);
    for (let i = 0; i < 3; i += 1) network.calls[i]?.arrive();
    network.calls[2]?.answer();
    network.calls[1]?.answer();
    await rest();
    expect(ended).toEqual([]);
    network.calls[0]?.answer();
    await rest();
    expect(ended).toEqual(["1", "2", "3"]);
  });

  test("behind one that is lost are lost, and the connection with them", async () => {
    const connection = await connect();
    const ended = commitAll(connection, 1, 2, 3);
    for (let i = 0; i < 3; i += 1) network.calls[i]?.arrive();
    network.calls[2]?.answer();
    network.calls[0]?.answer();
    network.calls[1]?.lose();
    await rest();
    expect(ended).toEqual(["1", "2: ConnectionLostError", "3: ConnectionLostError"]);
    expect(committed()).toBe(3);
    expect(connection.isUsable()).toBe(false);
    await expect(connection.request(listOffsets("t", [0], "end"))).rejects.toMatchObject({
      name: "ConnectionLostError",
    });
  });

  test("with a code are errors, and the connection goes on", async () => {
    const connection = await connect();
    const wrong = connection.request(listOffsets("missing", [0], "end"));
    network.calls[0]?.arrive();
    network.calls[0]?.answer();
    await expect(wrong).rejects.toMatchObject({ codeName: "UNKNOWN_TOPIC_OR_PARTITION" });
    expect(connection.isUsable()).toBe(true);
  });
});

describe("3: a connection", () => {
  test("that is destroyed ends what is under way, which arrives all the same, with what was behind it", async () => {
    const connection = await connect();
    const ended = commitAll(connection, 1, 2);
    connection.destroy("the test says so");
    await rest();
    expect(ended).toEqual(["1: ConnectionLostError", "2: ConnectionLostError"]);
    network.calls[0]?.arrive();
    network.calls[1]?.arrive();
    expect(committed()).toBe(2);
  });

  test("that the broker has dropped is found so by the next request; what was acknowledged stays", async () => {
    const connection = await connect();
    const before = commitAll(connection, 1);
    network.calls[0]?.arrive();
    network.calls[0]?.answer();
    await rest();
    kafka.bounce(1);
    const after = commitAll(connection, 2);
    network.calls[1]?.arrive();
    network.calls[1]?.answer();
    await rest();
    expect([...before, ...after]).toEqual(["1", "2: ConnectionLostError"]);
    expect(committed()).toBe(1);
  });

  test("that was idle for long is not used any more", async () => {
    const connection = await connect();
    nowMs += IDLE_MS_MAX - 1;
    expect(connection.isUsable()).toBe(true);
    nowMs += 1;
    expect(connection.isUsable()).toBe(false);
  });

  test("to where nobody listens cannot be opened", async () => {
    const outside = simulatedOutside(kafka, network, { now: () => nowMs, after: () => () => {} });
    const opened = outside.connect("simulated-kafka", 1, { brokers: [] }).open();
    network.calls[0]?.arrive();
    network.calls[0]?.answer();
    await expect(opened).rejects.toMatchObject({ name: "ConnectionLostError" });
  });
});
