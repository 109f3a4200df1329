/**
 * One connection to one broker: kafkajs's socket, TLS, login and framing, without its timeouts and retries. It is used until its first failure, then
 * destroyed: what was under way on it fails, and nothing waits for an answer any more.
 */

/// <reference path="./kafkajs-connection.d.ts" />

import { type Socket, connect as tcpConnect } from "node:net";
import { connect as tlsConnect } from "node:tls";
import KafkajsConnection, { type KafkajsConnectionOptions } from "kafkajs/src/network/connection.js";
import Encoder from "kafkajs/src/protocol/encoder.js";
import { explainFailure } from "./connection-failure.ts";
import { KafkaCodeError } from "./kafka-code-error.ts";
import { CALL_TIMEOUT_MS_DEFAULT, type KafkaSettings } from "./kafka-settings.ts";
import { toSasl } from "./login.ts";
import { ProtocolReader } from "./protocol-reader.ts";
import { ProtocolWriter } from "./protocol-writer.ts";
import { API_SASL_AUTHENTICATE, apiVersions, type KafkaRequest } from "./requests.ts";
import { toTlsOptions } from "./tls-options.ts";

/** A first try may find nobody, and another address is tried then. */
const CONNECT_TIMEOUT_MS = 3_000;

/** Sockets that were silent for longer may be dead without anybody saying so: NATs, idle limits, a frozen execution environment. */
export const IDLE_MS_MAX = 60_000;

const SILENT_LOGGER: KafkajsConnectionOptions["logger"] = {
  namespace: () => SILENT_LOGGER,
  info() {},
  error() {},
  warn() {},
  debug() {},
};

/** Thrown to whoever waits when a connection is destroyed. */
export class ConnectionLostError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConnectionLostError";
  }
}

export class KafkaConnection {
  readonly address: string;
  readonly #settings: KafkaSettings;
  readonly #connection: KafkajsConnection;
  #socket: Socket | undefined;
  #socketError: Error | undefined;
  #answeredInTls = false;
  #hasServed = false;
  #usedAtMs = Date.now();
  #lost: Error | undefined;
  #versions: ReadonlyMap<number, { readonly minVersion: number; readonly maxVersion: number }> = new Map();

  constructor(host: string, port: number, settings: KafkaSettings) {
    this.address = `${host}:${port}`;
    this.#settings = settings;
    this.#connection = new KafkajsConnection({
      host,
      port,
      clientId: settings.clientId ?? "millrace",
      logger: SILENT_LOGGER,
      ssl: toTlsOptions(settings),
      sasl: toSasl(settings),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: settings.callTimeoutMs ?? CALL_TIMEOUT_MS_DEFAULT,
      enforceRequestTimeout: false,
      socketFactory: ({ ssl, onConnect }) => {
        const socket =
          ssl === null ? tcpConnect({ host, port }, onConnect) : tlsConnect({ host, port, ...ssl }, onConnect);
        socket.setNoDelay(true);
        socket.once("error", (error) => {
          this.#socketError = error;
        });
        if (ssl === null)
          socket.once("data", (bytes) => {
            this.#answeredInTls = isTlsAlert(bytes);
          });
        socket.once("close", () => this.destroy(`The connection to ${this.address} was closed`));
        this.#socket = socket;
        return socket;
      },
    });
    // Its timer for requests held back, of which there are none: it has a negative delay, of which Node warns the user.
    this.#connection.requestQueue.scheduleCheckPendingRequests = () => {};
  }

  /** Connects and logs in. */
  async open(): Promise<void> {
    try {
      await this.#connection.connect();
      this.#versions = await this.#send(apiVersions());
      this.#connection.setVersions(Object.fromEntries(this.#versions));
      this.#connection.setSupportAuthenticationProtocol(this.#versions.has(API_SASL_AUTHENTICATE));
      await this.#connection.authenticate();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** The highest version of a request that the broker knows; −1 where it does not know it. */
  versionMax(key: number): number {
    return this.#versions.get(key)?.maxVersion ?? -1;
  }

  isUsable(): boolean {
    return this.#lost === undefined && Date.now() - this.#usedAtMs < IDLE_MS_MAX;
  }

  /** Sends a request and waits for its answer, however long that takes: deadlines are the caller's. Requests are answered in order. */
  async request<T>(request: KafkaRequest<T>): Promise<T> {
    if (this.#lost !== undefined) throw this.#lost;
    this.#usedAtMs = Date.now();
    try {
      const answer = await this.#send(request);
      this.#hasServed = true;
      return answer;
    } catch (error) {
      const explained = this.#explain(error);
      // kafkajs logs in again in the middle of a session: after a login that failed, or an answer that cannot be read, nothing may follow.
      if (!(explained instanceof KafkaCodeError)) this.destroy(`A request to ${this.address} failed`);
      throw explained;
    } finally {
      this.#usedAtMs = Date.now();
    }
  }

  /** Ends the connection and whatever waits for an answer on it. */
  destroy(reason: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ConnectionLostError(reason);
    // With an error, so that kafkajs rejects what it waits for and stops its timers.
    this.#socket?.destroy(this.#lost);
  }

  #explain(error: unknown): unknown {
    return explainFailure(error, {
      address: this.address,
      settings: this.#settings,
      socketError: this.#socketError,
      answeredInTls: this.#answeredInTls,
      hasServed: this.#hasServed,
    });
  }

  #send<T>({ key, version, name, flexible, write, read }: KafkaRequest<T>): Promise<T> {
    return this.#connection.send<T>({
      request: {
        apiKey: key,
        apiVersion: version,
        apiName: name,
        encode: async () => {
          const writer = new ProtocolWriter();
          // The head of a flexible request ends in tagged fields, behind what kafkajs writes.
          if (flexible === true) writer.noTags();
          write(writer);
          return new Encoder(writer.length).writeBuffer(writer.take());
        },
      },
      response: {
        decode: async (payload) => {
          const reader = new ProtocolReader(payload);
          if (flexible === true) reader.skipTags();
          return { value: read(reader) };
        },
        parse: async ({ value }) => value,
      },
      logResponseError: false,
    });
  }
}

/** A record of TLS that says what is wrong, which is how a port that speaks TLS answers who does not. As the length of an answer it would be 352 MB. */
function isTlsAlert(bytes: Uint8Array): boolean {
  return bytes[0] === 0x15 && bytes[1] === 0x03;
}
