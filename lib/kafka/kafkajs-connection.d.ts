/** The part of kafkajs that Millrace uses, which has no types of its own: a connection with its handshakes. The version is pinned. */

declare module "kafkajs/src/network/connection.js" {
  import type { Buffer } from "node:buffer";
  import type { Socket } from "node:net";
  import type { ConnectionOptions } from "node:tls";

  type Logger = {
    namespace(name: string): Logger;
    info(message: string, extra?: object): void;
    error(message: string, extra?: object): void;
    warn(message: string, extra?: object): void;
    debug(message: string, extra?: object): void;
  };

  type Versions = Record<number, { minVersion: number; maxVersion: number }>;

  /** Sends bytes, with their length in front, and resolves with what `response` makes of those that come back, framed alike. */
  export type KafkajsAuthenticate = <T>(message: {
    request: { encode(): Promise<Buffer> };
    response: { decode(bytes: Buffer): Promise<T>; parse(decoded: T): Promise<T> };
  }) => Promise<T>;

  export type KafkajsSasl =
    | { mechanism: string; username: string; password: string }
    | {
        mechanism: string;
        authenticationProvider: (of: { saslAuthenticate: KafkajsAuthenticate }) => { authenticate(): Promise<void> };
      };

  export type KafkajsConnectionOptions = {
    host: string;
    port: number;
    clientId: string;
    logger: Logger;
    /** `onConnect` is to be called when the socket, and TLS on it, is ready. */
    socketFactory: (to: { host: string; port: number; ssl: ConnectionOptions | null; onConnect: () => void }) => Socket;
    ssl: ConnectionOptions | null;
    sasl?: KafkajsSasl | undefined;
    connectionTimeout: number;
    requestTimeout: number;
    enforceRequestTimeout: boolean;
  };

  class Connection {
    constructor(options: KafkajsConnectionOptions);
    connect(): Promise<unknown>;
    readonly requestQueue: { scheduleCheckPendingRequests: () => void };
    setVersions(versions: Versions): void;
    setSupportAuthenticationProtocol(isSupported: boolean): void;
    authenticate(): Promise<void>;
    send<T>(message: {
      request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<unknown> };
      response: { decode(payload: Buffer): Promise<{ value: T }>; parse(decoded: { value: T }): Promise<T> };
      logResponseError?: boolean;
    }): Promise<T>;
  }
  // biome-ignore lint/style/noDefaultExport: that is how Node sees a CommonJS module.
  export default Connection;
}

declare module "kafkajs/src/protocol/encoder.js" {
  import type { Buffer } from "node:buffer";

  class Encoder {
    constructor(initialSize?: number);
    writeBuffer(value: Buffer): this;
    /** Behind their length. */
    writeBytes(value: Buffer): this;
    readonly buffer: Buffer;
  }
  // biome-ignore lint/style/noDefaultExport: that is how Node sees a CommonJS module.
  export default Encoder;
}
