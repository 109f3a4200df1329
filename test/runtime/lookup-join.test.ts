/** A lookup join against a service over HTTP on this machine, which is slow, busy and sometimes away. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  asyncFunction,
  at,
  json,
  milliseconds,
  monotonic,
  operator,
  seconds,
  setting,
  stream,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sleep } from "./sleep.ts";

type Order = { readonly id: string; readonly customer: string; readonly cents: number };

const orders = topic("orders", { value: json<Order>(), watermark: monotonic() });
const named = topic("named", { key: text(), value: json<{ name: string; orders: number; cents: number }>() });

let server: Server;
let requests: string[];
/** What the service answers, by path; undefined: never. */
let answer: (path: string, nth: number) => Promise<[status: number, body: string] | undefined>;

beforeEach(async () => {
  requests = [];
  server = createServer(async (request, response) => {
    const path = request.url as string;
    requests.push(path);
    const given = await answer(path, requests.filter((other) => other === path).length);
    if (given !== undefined) response.writeHead(given[0]).end(given[1]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

class Busy extends Error {}

const nameOf = asyncFunction({
  uses: { api: setting("CUSTOMERS_API") },
  open: ({ api }) => api,
  call: async (order: Order, { client: api, signal }) => {
    const response = await fetch(`${api}/customers/${order.customer}`, { signal });
    if (response.status === 503) throw new Busy("busy");
    if (!response.ok) throw new Error(`customers answered ${response.status}`);
    return (await response.json()) as { name: string };
  },
  timeout: seconds(10),
  attemptTimeout: milliseconds(300),
  retries: 3,
  backoff: { initial: milliseconds(1) },
  retryIf: (error) => error instanceof Busy || (error as Error).message.startsWith("no answer"),
  cache: { key: (order) => order.customer, ttl: seconds(60), maxEntries: 100 },
});

const billing = operator(
  "billing",
  stream(orders)
    .mapAsync(nameOf, { name: "customer", combine: (order, { name }) => ({ ...order, name }) })
    .keyBy((order) => order.name)
    .window(tumbling(seconds(1)))
    .aggregate((on) => ({ orders: on.count(), cents: on.sum((order) => order.cents) }))
    .to(named.from(({ key, value }) => ({ name: key, ...value }))),
);

const order = (id: number, customer: string) => at(id, { id: `o${id}`, customer, cents: id });

test("orders meet their customers by name, though the service is slow, busy, silent, or knows none", async () => {
  answer = async (path, nth) => {
    const customer = path.split("/").at(-1) as string;
    if (customer === "nobody") return [404, ""];
    if (customer === "busy" && nth < 3) return [503, ""];
    if (customer === "silent" && nth === 1) return undefined;
    await sleep(customer.length);
    return [200, JSON.stringify({ name: customer.toUpperCase() })];
  };
  const { port } = server.address() as AddressInfo;
  await using driver = await testDriver(billing, { environment: { CUSTOMERS_API: `http://127.0.0.1:${port}` } });
  await driver.send(orders, order(1, "ann"), order(2, "busy"), order(3, "nobody"), order(4, "ann"));
  await driver.send(orders, order(5, "silent"), order(6, "ann"), order(7, "nobody"), order(5_000, "bob"));
  expect([...(await driver.read(named))].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
    { name: "ANN", orders: 3, cents: 11 },
    { name: "BUSY", orders: 1, cents: 2 },
    { name: "SILENT", orders: 1, cents: 5 },
  ]);
  expect((await driver.deadLetters(billing)).map(({ reason, step }) => [step, reason])).toEqual([
    ["mapAsync customer", "mapAsync customer failed after 1 attempt: customers answered 404"],
    ["mapAsync customer", "mapAsync customer failed after 1 attempt: customers answered 404"],
  ]);
  const count = (customer: string) => requests.filter((path) => path === `/customers/${customer}`).length;
  expect(["ann", "busy", "silent", "nobody", "bob"].map(count)).toEqual([1, 3, 2, 2, 1]);
});

test("a service that is away makes dead letters that say so, and redriving them later finds it", async () => {
  const { port } = server.address() as AddressInfo;
  answer = async () => [200, JSON.stringify({ name: "ANN" })];
  const environment = { CUSTOMERS_API: `http://127.0.0.1:${port}` };
  await using driver = await testDriver(billing, { environment });
  driver.replace(nameOf, () => {
    throw new Error("connection refused");
  });
  await driver.send(orders, order(1, "ann"));
  expect((await driver.deadLetters(billing)).map(({ reason }) => reason)).toEqual([
    "mapAsync customer failed after 1 attempt: connection refused",
  ]);
  driver.replace(nameOf, async (given) => {
    const response = await fetch(`http://127.0.0.1:${port}/customers/${given.customer}`);
    return (await response.json()) as { name: string };
  });
  expect((await driver.redrive(billing)).map(({ outcome }) => outcome)).toEqual(["redriven"]);
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  expect(await driver.read(named)).toEqual([{ name: "ANN", orders: 1, cents: 1 }]);
});
