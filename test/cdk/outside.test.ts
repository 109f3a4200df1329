/** What operators declare of the outside: settings that are set, secrets that are granted, tables that are made, for the functions that use them alone. */

import { Template } from "aws-cdk-lib/assertions";
import { dynamoTable, json, operator, seconds, secret, setting, stream, text, topic } from "millrace";
import { expect, test } from "vitest";
import { count, functionOf, newStack, resourcesOf, shop } from "./synthesize.ts";

const orders = topic("orders", { value: json<{ id: string }>(), key: text() });
const told = topic("told", { value: json<{ id: string }>() });
const notify = operator(
  "notify",
  stream(orders)
    .mapAsync({
      uses: { api: setting("CUSTOMER_API"), key: secret("shop/customer-key") },
      open: ({ api, key }) => ({ api, key }),
      call: async (order, { client }) => ({ id: `${order.id} at ${client.api}` }),
      timeout: seconds(1),
    })
    .to(told),
);
const index = operator(
  "index",
  stream(orders).to(dynamoTable<{ id: string }>("orders-by-id", { partitionKey: ({ id }) => id })),
);

function templateOf(settings?: Record<string, string>): Template {
  const stack = newStack();
  shop(stack, { operators: [notify, index, count], ...(settings !== undefined && { settings }) });
  return Template.fromStack(stack);
}

const API = { CUSTOMER_API: "https://example.com" };

test("a setting is set for those who declare it, and its absence is refused", () => {
  const template = templateOf(API);
  expect(functionOf(template, "notify").Environment).toMatchObject({ Variables: API });
  expect(JSON.stringify(functionOf(template, "count").Environment)).not.toContain("CUSTOMER_API");
  expect(() => templateOf()).toThrow('Function "notify" declares the setting CUSTOMER_API, and nobody sets it');
});

test("a secret may be read by those who declare it", () => {
  const policies = resourcesOf(templateOf(API), "AWS::IAM::Policy").filter((policy) =>
    JSON.stringify(policy).includes("secret:shop/customer-key-??????"),
  );
  expect(policies.map(({ PolicyName }) => PolicyName)).toEqual([expect.stringContaining("notify")]);
});

test("a table is made as it is declared, guarded as the state is, and written by those who write it", () => {
  const template = templateOf(API);
  template.hasResource("AWS::DynamoDB::Table", {
    DeletionPolicy: "Retain",
    Properties: {
      TableName: "shop.orders-by-id",
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
      DeletionProtectionEnabled: true,
    },
  });
  const [id] = Object.keys(
    template.findResources("AWS::DynamoDB::Table", { Properties: { TableName: "shop.orders-by-id" } }),
  );
  const writers = resourcesOf(template, "AWS::IAM::Policy").filter((policy) =>
    JSON.stringify(policy).includes(id as string),
  );
  expect(writers.map(({ PolicyName }) => PolicyName)).toEqual([expect.stringContaining("index")]);
});
