import { deepStrictEqual, rejects, strictEqual } from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { RunningApp } from './app.js';
import type { Sent } from './exchange.js';
import type { SuiteCase } from './suite-case.js';
import { withholdFetch } from './withheld-fetch.js';

/** What holds while a guard waits for keys: the client may leave, and other code may answer. */
export const departureCases: readonly SuiteCase[] = [
  {
    name: 'runs no handler for a client that leaves while keys are fetched',
    async run({ start, issuer, token, handlersRun }) {
      const keys = withholdFetch();
      const app = await start({ options: { issuer: issuer.issuer, audience: issuer.audience, fetch: keys.fetch } });
      const good = await token({ scopes: ['orders:write'] });
      const requests: Sent[] = [{ path: '/me' }, { path: '/optional' }, { method: 'POST', path: '/orders', json: {} }, { path: '/orders' }];
      const { allArrived, allClosed } = watchRequests(app, requests.length);
      const leaving = new AbortController();
      const answers = requests.map((sent) => app.ask({ ...sent, token: good, signal: leaving.signal }));
      await Promise.all([allArrived, keys.called]);
      leaving.abort();
      for (const answer of answers) await rejects(answer);
      await allClosed;
      keys.release();
      for (let round = 0; round < 2; round++) strictEqual((await app.ask({ path: '/me', token: good })).status, 200);
      strictEqual(handlersRun(), 2);
    },
  },
  {
    name: 'runs no handler for a request that other code answers while keys are fetched',
    async run({ start, issuer, token, handlersRun }) {
      const keys = withholdFetch();
      const app = await start({ options: { issuer: issuer.issuer, audience: issuer.audience, fetch: keys.fetch } });
      const good = await token();
      answerOnce(app, keys.called);
      strictEqual((await app.ask({ path: '/me', token: good })).status, 504);
      keys.release();
      for (let round = 0; round < 2; round++) strictEqual((await app.ask({ path: '/me', token: good })).status, 200);
      strictEqual(handlersRun(), 2);
    },
  },
  {
    name: 'keeps serving after it refuses a request that other code has answered',
    async run({ start, issuer, token, handlersRun }) {
      const keys = withholdFetch();
      const app = await start({ options: { issuer: issuer.issuer, audience: issuer.audience, fetch: keys.fetch } });
      answerOnce(app, keys.called);
      strictEqual((await app.ask({ path: '/me', token: await token() })).status, 504);
      keys.fail();
      for (let round = 0; round < 2; round++) deepStrictEqual((await app.ask({ path: '/public' })).json(), { public: true });
      strictEqual(handlersRun(), 2);
    },
  },
];

/** Resolves when the server has received that many requests, and when their responses are closed. */
function watchRequests({ server }: RunningApp, count: number): { allArrived: Promise<void>; allClosed: Promise<void> } {
  const { promise: allArrived, resolve: arrived } = Promise.withResolvers<void>();
  const { promise: allClosed, resolve: closed } = Promise.withResolvers<void>();
  const counts = { arrived: 0, closed: 0 };
  onRequest(server, (response) => {
    if (++counts.arrived === count) arrived();
    response.once('close', () => ++counts.closed === count && closed());
  });
  return { allArrived, allClosed };
}

/** Answers the next request of a server with 504 once the guard has asked for keys. */
function answerOnce({ server }: RunningApp, keysCalled: Promise<void>): void {
  let isAnswered = false;
  onRequest(server, (response) => {
    if (isAnswered) return;
    isAnswered = true;
    void keysCalled.then(() => response.writeHead(504).end());
  });
}

/** The response of an HTTP/2 server has the same methods. */
function onRequest(server: RunningApp['server'], listen: (response: ServerResponse) => void): void {
  server.prependListener('request', (_request: unknown, response: ServerResponse) => listen(response));
}
