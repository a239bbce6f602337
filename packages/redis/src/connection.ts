import { codeOf, failureText, isAnswer, StoreFailure } from './store-failure.js';

/** A reply of RESP 2. */
export type Reply = string | number | null | readonly Reply[];

/** The parts of a client of the package `redis` that the store uses. */
export interface RawClient {
  readonly options?: { readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string; readonly tls?: boolean } };
  connect(): Promise<unknown>;
  sendCommand(command: readonly string[]): Promise<unknown>;
  on(event: string, listener: (value?: unknown) => void): unknown;
  unref(): void;
  destroy(): void;
}

/**
 * Makes an unconnected client for the server that has the keys now.
 *
 * @param failed the last client whose server did not answer, or is not the master. Whoever named that server may be wrong
 */
export type MakeClient = (failed: RawClient | undefined) => RawClient | Promise<RawClient>;

/** One connection. Any failure ends it for good. */
export interface Connection {
  /** Whether it has ended, as far as this process knows. */
  readonly isOver: boolean;
  /** @throws StoreFailure if the command fails, or if no answer comes in time */
  send(command: readonly string[], withinMs?: number): Promise<Reply>;
  /** Notes that this is the wrong server, although it answers. */
  blame(): void;
  /** Calls a listener, once, when the connection ends without `close()`. */
  onOver(listener: () => void): void;
  close(): void;
}

/** Opens a connection. @throws StoreFailure if that fails */
export type Connect = () => Promise<Connection>;

export function createConnect(makeClient: MakeClient, timeoutMs: number): Connect {
  let failed: RawClient | undefined;
  return async function connect() {
    const client = await make(makeClient, failed);
    let isOver = false;
    let told: (() => void) | undefined;

    function end(): void {
      if (isOver) return;
      isOver = true;
      told?.();
    }

    function close(): void {
      isOver = true;
      destroy(client);
    }

    // without a listener, an `error` event would end the process. A waiting command gets the error by its promise
    client.on('error', end);
    client.on('end', end);
    // a client that is closed while it connects must not stay open
    client.on('connect', () => {
      if (isOver) close();
    });
    client.unref();
    try {
      await within(timeoutMs, client.connect());
    } catch (error) {
      if (failureOf(error).isOfWrongServer) failed = client;
      close();
      throw new StoreFailure(failureText(error));
    }
    return {
      get isOver() {
        return isOver;
      },
      async send(command, withinMs = timeoutMs) {
        try {
          return (await within(withinMs, client.sendCommand(command))) as Reply;
        } catch (error) {
          const failure = failureOf(error);
          // a command that waits when the connection is closed fails, which says nothing about the server
          if (!isOver && failure.isOfWrongServer) failed = client;
          throw failure;
        }
      },
      blame() {
        failed = client;
      },
      onOver(listener) {
        told = listener;
      },
      close,
    };
  };
}

async function make(makeClient: MakeClient, failed: RawClient | undefined): Promise<RawClient> {
  try {
    return await makeClient(failed);
  } catch (error) {
    throw new StoreFailure(failureText(error));
  }
}

function failureOf(error: unknown): StoreFailure {
  return new StoreFailure(failureText(error), isAnswer(error), codeOf(error));
}

export function destroy(client: RawClient): void {
  try {
    client.destroy();
  } catch {
    // it was never open, or is closed already
  }
}

/** Returns the address of Redis, without a password or other parts of a URL. */
export function addressOf({ options }: RawClient): string {
  const { host = 'localhost', port = 6379, path, tls } = options?.socket ?? {};
  return path === undefined ? `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}` : `unix://${path}`;
}

/**
 * Rejects with a StoreFailure if an answer does not come in time.
 *
 * @param keepsAlive whether the wait keeps the process alive
 */
export async function within<T>(milliseconds: number, answer: Promise<T>, keepsAlive = false): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StoreFailure(`no answer within ${milliseconds / 1000} s`)), milliseconds);
    if (!keepsAlive) timer.unref();
  });
  try {
    // race() also handles a rejection that comes later
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
