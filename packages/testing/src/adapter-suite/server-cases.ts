import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { json as jsonOf, text } from 'node:stream/consumers';
import { scope } from '@tokenward/core';
import { expectUnauthorized } from '../expect-refusal.js';
import { received, sendRaw, type Received } from './exchange.js';
import type { SuiteCase } from './suite-case.js';

/** Upgrade requests, which reach no handler. */
export const upgradeCases: readonly SuiteCase[] = [
  {
    name: 'check() decides on an upgrade request without answering it, and refuses a revoked token',
    over: 'HTTP/1.1',
    async run({ start, token }) {
      const { server, guard, origin } = await start();
      const admitted: string[] = [];
      server.on('upgrade', (upgrade: IncomingMessage, socket: NodeJS.WritableStream) => {
        void Promise.resolve(guard.check(upgrade, scope('a'))).then((decision) => {
          if (decision.outcome === 'allow') admitted.push(guard.getAuth(upgrade).subject!);
          socket.end(`HTTP/1.1 ${decision.outcome === 'allow' ? 101 : decision.status} x\r\nConnection: close\r\n\r\n`);
        });
      });
      const statusFor = (bearer?: string): Promise<number | undefined> => {
        const credentials = bearer === undefined ? '' : `Authorization: Bearer ${bearer}\r\n`;
        return sendRaw(origin, `GET /feed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${credentials}\r\n`);
      };
      const good = await token({ scopes: ['a'], subject: 'ada', claims: { sid: 'session-1' } });
      const statuses = [await statusFor(), await statusFor('bad'), await statusFor(good), await statusFor(await token({ scopes: ['b'] }))];
      deepStrictEqual(statuses, [401, 401, 101, 403]);
      await guard.revocations.revoke({ sessionId: 'session-1' }, { reason: 'logout' });
      strictEqual(await statusFor(good), 401);
      deepStrictEqual(admitted, ['ada']);
    },
  },
  {
    name: 'rule 226: check() finds the token of a WebSocket handshake among its subprotocols, if the option credentials says so',
    over: 'HTTP/1.1',
    async run({ start, token, issuer }) {
      const { server, guard, origin } = await start({
        options: { issuer: issuer.issuer, audience: issuer.audience, credentials: { webSocketProtocol: 'bearer.', header: 'x-access-token' } },
      });
      server.on('upgrade', (upgrade: IncomingMessage, socket: NodeJS.WritableStream) => {
        void Promise.resolve(guard.check(upgrade, scope('a'))).then((decision) => {
          socket.end(`HTTP/1.1 ${decision.outcome === 'allow' ? 101 : decision.status} x\r\nConnection: close\r\n\r\n`);
        });
      });
      const good = await token({ scopes: ['a'] });
      const statuses: (number | undefined)[] = [];
      for (const fields of [
        `Sec-WebSocket-Protocol: feed, bearer.${good}`,
        `Sec-WebSocket-Protocol: feed\r\nSec-WebSocket-Protocol: bearer.${good}`,
        `X-Access-Token: ${good}`,
        `Sec-WebSocket-Protocol: feed`,
        `Sec-WebSocket-Protocol: bearer.bad`,
        `Sec-WebSocket-Protocol: bearer.${good}\r\nAuthorization: Bearer ${good}`,
        `Sec-WebSocket-Protocol: bearer.${good}\r\nX-Access-Token: ${good}`,
        `X-Access-Token: ${good}\r\nX-Access-Token: ${good}`,
        `Authorization: Bearer ${good}\r\nAuthorization: Bearer ${good}`,
      ]) {
        statuses.push(await sendRaw(origin, `GET /feed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n\r\n`));
      }
      deepStrictEqual(statuses, [101, 101, 101, 401, 401, 400, 400, 400, 400]);
    },
  },
];

/** Clients that wait for the server before they send a body (`Expect: 100-continue`, RFC 9110 s10.1.1). */
export const askedBodyCases: readonly SuiteCase[] = [
  {
    name: 'rule 150: with checkContinue, refuses an upload before its body, and lets the app ask for the body of an admitted one',
    over: 'HTTP/1.1',
    async run({ start, token }) {
      const upload = {
        method: 'POST',
        path: '/upload',
        access: 'required',
        policies: [],
        answer: ({ body }: { body: unknown }) => ({ status: 200, body }),
      } as const;
      const app = await start({ routes: [upload], asksForBodies: true });
      const refused = beginUpload(app.origin);
      const [refusal] = (await once(refused.upload, 'response')) as [IncomingMessage];
      deepStrictEqual([refusal.statusCode, refusal.headers.connection, refused.asked()], [401, 'close', 0]);
      refused.upload.destroy();

      const { upload: begun, asked } = beginUpload(app.origin, await token());
      await once(begun, 'continue');
      begun.end(JSON.stringify({ long: 'body' }));
      const [response] = (await once(begun, 'response')) as [IncomingMessage];
      deepStrictEqual([response.statusCode, await jsonOf(response), asked()], [200, { long: 'body' }, 1]);
    },
  },
];

function beginUpload(origin: string, token?: string) {
  let continued = 0;
  const { hostname, port } = new URL(origin);
  const headers = { expect: '100-continue', 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const upload = request({ hostname, port, path: '/upload', method: 'POST', headers, timeout: 10_000, agent: false });
  upload.on('timeout', () => upload.destroy(new Error('the upload has no answer within 10 s')));
  upload.on('continue', () => continued++).flushHeaders();
  return { upload, asked: () => continued };
}

/** A server of HTTP/2 that also speaks HTTP/1.1. */
export const http1Cases: readonly SuiteCase[] = [
  {
    name: 'an HTTP/2 server with allowHTTP1 also guards HTTP/1.1 requests',
    over: 'HTTP/2',
    async run({ app, token }) {
      await expectUnauthorized(await askOverHttp1(app.origin));
      const admitted = await askOverHttp1(app.origin, await token({ subject: 'ada' }));
      strictEqual((admitted.json() as { subject: string }).subject, 'ada');
    },
  },
];

async function askOverHttp1(origin: string, token?: string): Promise<Received> {
  const headers = { connection: 'close', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const asked = httpsRequest(new URL('/me', origin), { headers, rejectUnauthorized: false, agent: false, timeout: 10_000 }).end();
  asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  strictEqual(response.httpVersion, '1.1');
  return received(response.statusCode!, response.rawHeaders, await text(response));
}
