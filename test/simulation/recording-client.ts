/** A DynamoDB client that lets a test see and hold up calls, as a proxy before a real server does, and lose replies. */

import type { DynamoDbClient } from "../../lib/state-log/dynamodb-client.ts";

export type Call = { readonly operation: string; readonly input: Readonly<Record<string, unknown>> };
export type Answered = Call & { readonly output: Readonly<Record<string, unknown>> };

export class RecordingClient {
  /** Runs before a call is forwarded. */
  before: (call: Call) => Promise<void> | void = () => {};
  /** True: the call takes effect, its reply is lost, and the SDK makes it again. */
  losesReply: (call: Call) => boolean = () => false;
  /** Every call that was answered, in order, refusals and lost replies included. */
  readonly answered: Answered[] = [];
  readonly client: DynamoDbClient;

  constructor(to: DynamoDbClient) {
    const forward = to.send as (command: object) => Promise<Record<string, unknown>>;
    const send = async (command: { readonly input: object }): Promise<unknown> => {
      const operation = command.constructor.name.replace(/Command$/, "");
      const call = { operation, input: command.input as Record<string, unknown> };
      await this.before(call);
      try {
        const output = await forward.call(to, command);
        this.answered.push({ ...call, output });
        if (!this.losesReply(call)) return output;
      } catch (error) {
        this.answered.push({ ...call, output: error as Record<string, unknown> & Error });
        if (!this.losesReply(call)) throw error;
      }
      return send(command);
    };
    this.client = { send: send as DynamoDbClient["send"], destroy: () => to.destroy() };
  }
}
