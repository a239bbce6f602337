import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { requestText } from '../http/request.ts';

/** A request that came over a socket, and its response: Node's own objects. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface ExchangeSource {
  /**
   * Sends requests without waiting for answers, and returns what Node's HTTP server made of them.
   *
   * @param tokens one per request; undefined sends no credentials
   */
  receive(tokens: readonly (string | undefined)[]): Promise<Exchange[]>;
  /** Answers all requests that have no answer yet, so that nothing keeps them in memory. */
  conclude(exchanges: readonly Exchange[]): Promise<void>;
  close(): void;
}

const SILENCE_SECONDS = 10;

export async function createExchangeSource(): Promise<ExchangeSource> {
  let arrived: (exchange: Exchange) => void;
  const server = createServer((request, response) => arrived({ request, response }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1' });
  client.resume();
  await once(client, 'connect');

  return {
    receive(tokens) {
      const exchanges: Exchange[] = [];
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${exchanges.length} of ${tokens.length} requests arrived`)), SILENCE_SECONDS * 1000);
        arrived = (exchange) => {
          if (exchanges.push(exchange) < tokens.length) return;
          clearTimeout(timer);
          resolve(exchanges);
        };
        client.write(tokens.map((token) => requestText(port, token)).join(''), 'latin1');
      });
    },
    async conclude(exchanges) {
      const { response: last } = exchanges.at(-1)!;
      const finished = last.writableFinished || once(last, 'finish', { signal: AbortSignal.timeout(SILENCE_SECONDS * 1000) });
      for (const { response } of exchanges) if (!response.writableEnded) response.end();
      await finished;
      await setImmediate();
    },
    close() {
      client.destroy();
      server.close();
    },
  };
}
