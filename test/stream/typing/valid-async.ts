/** What must compile of asynchronous functions, and infer exactly this. Checked by tsc; never run. */

import {
  type AsyncFunction,
  asyncFunction,
  json,
  type KeyedStream,
  type Setting,
  type Stream,
  seconds,
  secret,
  setting,
  stream,
  type TestDriver,
  topic,
  tumbling,
} from "millrace";
import { access, type Equal, expectType, lines, type Order, orders } from "./prelude.ts";

class Client {
  readonly #url: string;

  constructor(url: string, _key: string) {
    this.#url = url;
  }

  async get(id: string, _options: { signal: AbortSignal }): Promise<{ readonly name: string }> {
    return { name: `${this.#url}/${id}` };
  }
}

// Declared by itself: settings, secrets and client are typed through; only the element is said.
const customerOf = asyncFunction({
  uses: { api: setting("CUSTOMER_API"), key: secret("shop/customer-key") },
  open: ({ api, key }) => {
    expectType<Equal<typeof api, string>>();
    return new Client(api, key);
  },
  call: async (order: Order, { client, signal, attempt }) => {
    expectType<Equal<typeof client, Client>>();
    expectType<Equal<typeof attempt, number>>();
    return client.get(order.tenant, { signal });
  },
  timeout: seconds(2),
  order: "unordered",
  retries: 2,
  cache: { key: (order) => order.tenant, ttl: seconds(60), maxEntries: 10_000 },
});
const plain = stream(orders).mapAsync(customerOf);
expectType<Equal<typeof plain, Stream<{ readonly name: string }, string>>>();
const keyed = stream(orders)
  .keyBy((order) => order.id.length)
  .mapAsync(customerOf, { name: "customer" });
expectType<Equal<typeof keyed, KeyedStream<{ readonly name: string }, number>>>();
// A lookup join: element and answer made one.
const joined = stream(orders).mapAsync(customerOf, {
  combine: (order, { name }, { timestampMs }) => ({ id: order.id, name, timestampMs }),
});
expectType<Equal<typeof joined, Stream<{ id: string; name: string; timestampMs: number }, string>>>();

// Elements that have more fit.
stream(orders)
  .map((order) => ({ ...order, extra: 1 }))
  .mapAsync(customerOf);

// Inline: the element is that of the stream, everywhere.
const inline = stream(access)
  .keyBy((a) => a.url)
  .window(tumbling(seconds(5)))
  .count()
  .mapAsync({
    call: async ({ key, value, window }) => {
      expectType<Equal<typeof value, number>>();
      return `${key} ${window.startMs}`;
    },
    timeout: seconds(1),
    cache: { key: ({ key }) => [key, 1], ttl: seconds(1), maxEntries: 1 },
    retryIf: (error) => error instanceof TypeError,
  });
expectType<Equal<typeof inline, KeyedStream<string, string>>>();

// An open that is asynchronous, and one without settings.
stream(lines).mapAsync({
  open: async () => new Map<string, number>(),
  call: async (line, { client }) => client.get(line) ?? 0,
  timeout: seconds(1),
});

// Batches: an Error in the place of a result is none of its types.
const batched = stream(lines).mapAsync({
  callBatch: async (values) => values.map((line) => (line === "" ? new Error("empty") : line.length)),
  maxBatchSize: 25,
  timeout: seconds(1),
});
expectType<Equal<typeof batched, Stream<number, null>>>();

export const named: AsyncFunction<string, number, { url: Setting }, number> = {
  uses: { url: setting("URL_OF") },
  open: ({ url }) => url.length,
  call: async (line, { client }) => line.length + client,
  timeout: seconds(1),
};
stream(lines)
  .mapAsync(named)
  .to(topic("lengths", { value: json<number>() }));

export function inTests(driver: TestDriver): void {
  driver.replace(customerOf, (order) => ({ name: order.id }));
  driver.replace(named, async (line, { attempt, signal }) => (signal.aborted ? attempt : line.length));
}
