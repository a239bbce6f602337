import { isError } from '@tokenward/core/store';
import { wordsOf, StoreTrouble } from './trouble.js';

/** A reply of RESP 2. */
export type Reply = string | number | null | readonly Reply[];

/** As much of a client of the package redis as is used. */
export interface RawClient {
  readonly options?: { readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string; readonly tls?: boolean } };
  connect(): Promise<unknown>;
  sendCommand(command: readonly string[]): Promise<unknown>;
  on(event: string, listener: (value?: unknown) => void): unknown;
  unref(): void;
  destroy(): void;
}

/** Makes a client that is not connected yet, to the server that has the keys now. */
export type MakeClient = () => RawClient | Promise<RawClient>;

/** One connection: when anything is wrong with it, it is over. */
export interface Connection {
  /** @throws StoreTrouble, also where no answer came in time */
  send(command: readonly string[], withinMs?: number): Promise<Reply>;
  close(): void;
}

/** @throws StoreTrouble */
export type Connect = () => Promise<Connection>;

export function createConnect(makeClient: MakeClient, timeoutMs: number): Connect {
  return async function connect() {
    const client = await make(makeClient);
    let over = false;

    function close(): void {
      over = true;
      destroy(client);
    }

    // an `error` that nobody listens to would end the process; whoever waits for an answer is told by their promise
    client.on('error', () => (over = true));
    // one that was given up while it was connecting must not live on
    client.on('connect', () => {
      if (over) close();
    });
    client.unref();
    try {
      await within(timeoutMs, client.connect());
    } catch (error) {
      close();
      throw new StoreTrouble(wordsOf(error));
    }
    return {
      async send(command, withinMs = timeoutMs) {
        try {
          return (await within(withinMs, client.sendCommand(command))) as Reply;
        } catch (error) {
          throw new StoreTrouble(wordsOf(error), isAnswer(error));
        }
      },
      close,
    };
  };
}

async function make(makeClient: MakeClient): Promise<RawClient> {
  try {
    return await makeClient();
  } catch (error) {
    throw new StoreTrouble(wordsOf(error));
  }
}

/** An error that the server sent begins with its code in its text. The package's own class for it is not exported by all of its versions. */
function isAnswer(error: unknown): boolean {
  return isError(error) && !('code' in error) && /^[A-Z]{2,20} /.test(error.message);
}

export function destroy(client: RawClient): void {
  try {
    client.destroy();
  } catch {
    // it says that it is closed, or that it was never open
  }
}

/** Where Redis is, without what else a URL may hold. */
export function addressOf({ options }: RawClient): string {
  const { host = 'localhost', port = 6379, path, tls } = options?.socket ?? {};
  return path === undefined ? `${tls ? 'rediss' : 'redis'}://${host.includes(':') ? `[${host}]` : host}:${port}` : `unix://${path}`;
}

async function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StoreTrouble(`no answer within ${milliseconds / 1000} s`)), milliseconds);
    timer.unref();
  });
  try {
    // an answer that comes later still, or an error, is nobody's matter any more: race() has taken its rejection
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
