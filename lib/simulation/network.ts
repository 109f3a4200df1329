/**
 * What lies between an execution environment and the servers, as the simulated clients see it. One seed decides when a request arrives, when its
 * answer comes back, and what is lost on the way; a client only says what is to be done at the moment of arrival.
 */

/** The way of one execution environment to one kind of server. */
export interface Network {
  /**
   * Carries a request to the server, where `serve` runs in one go at the moment of its arrival, and brings back what it returned or threw.
   *
   * Rejects with NetworkError where no answer will come: whether the server ever saw the request, or will yet see it, is not known then. With `deadlineMs`
   * it has settled by then; without, a request may stay unanswered for ever. For an environment that has crashed nothing ever settles.
   *
   * @param name what is asked, such as "PutItem": crashes and losses are counted by it
   * @param about whose it is, such as a task: requests about the same are rivals
   */
  call<T>(name: string, serve: () => T, deadlineMs?: number, about?: string): Promise<T>;
  /** Whether this goes wrong here, such as "throttled" or "read-stale". Each name is a kind of fault that a run must have seen. */
  occurs(fault: string): boolean;
  /** A number from 0 to n − 1. */
  below(n: number): number;
}

/** No answer: the connection was refused or lost, or the deadline passed. */
export class NetworkError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "NetworkError";
  }
}

/** A network that is never late and loses nothing, for tests of the servers themselves. */
export const PERFECT_NETWORK: Network = {
  call: async (_, serve) => serve(),
  occurs: () => false,
  below: () => 0,
};
