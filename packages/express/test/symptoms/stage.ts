import express from 'express';
import { STATUS_CODES, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as send } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createGuard, scope, type ExpressGuard, type ExpressGuardOptions, type Policy } from '@tokenward/express';
import { createTestClock, createTestIssuer, type TestClock, type TestIssuer, type TokenOptions } from '@tokenward/testing';
import { asInTheDocs, printedDuring } from './printed.js';

/** What a symptom is made of. */
export interface Stage {
  readonly issuer: TestIssuer;
  readonly clock: TestClock;
  /** Issues a token with the scope of the route. */
  token(wanted?: TokenOptions): Promise<string>;
  /** Starts an app with `GET /orders` behind a guard, and asks it. */
  ask(asked: Asked): Promise<void>;
}

export interface Asked {
  readonly options?: Partial<ExpressGuardOptions> | undefined;
  /** The policy of the route. Default: the scope `orders:read`. */
  readonly policy?: Policy | undefined;
  readonly path?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sends this token as `Authorization: Bearer ...`. */
  readonly bearer?: string | undefined;
  /** Runs before the guard, in each request. */
  readonly before?: ((guard: ExpressGuard, request: express.Request) => void | Promise<void>) | undefined;
  /** Asks this often, and shows the last answer. Default: 1. */
  readonly times?: number | undefined;
}

/** What a symptom shows: the answer, as over HTTP/1.1, and the line for the operator. */
export interface Symptom {
  readonly answer: string;
  readonly line: string;
}

/** Addresses in the documentation do not change with the port of a test. */
const API = 'https://api.example.com';
const OF_THE_CONNECTION = new Set(['date', 'connection', 'keep-alive', 'content-length', 'x-powered-by', 'etag', 'transfer-encoding']);
const SHOWN_NONCE = 'eyJ7S_zG.eyJH0-Z.HX4w-7v';

/** Makes a symptom in a real app, and returns it as the documentation shows it. */
export async function symptomOf(make: (stage: Stage) => Promise<void>): Promise<Symptom> {
  const clock = createTestClock();
  clock.set(Math.ceil(clock.now() / 1000) * 1000);
  const issuer = await createTestIssuer({ clock });
  let answer = '';
  const lines = await printedDuring(() =>
    make({
      issuer,
      clock,
      token: (wanted = {}) => issuer.issueToken({ scopes: ['orders:read'], ...wanted }),
      ask: async (asked) => void (answer = await answerOf(asked, issuer, clock)),
    }),
  );
  await issuer.close().catch(() => {});
  const shown = asInTheDocs(lines, issuer, clock).filter((line) => line.startsWith('tokenward: GET '));
  return { answer, line: shown.at(-1) ?? '' };
}

async function answerOf(asked: Asked, issuer: TestIssuer, clock: TestClock): Promise<string> {
  const { options, policy = scope('orders:read'), path = '/orders', headers, bearer, before, times = 1 } = asked;
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, clock, publicOrigin: API, ...options });
  const app = express().disable('x-powered-by');
  app.get('/orders', async (request, _response, next) => {
    await before?.(guard, request);
    next();
  });
  app.get('/orders', guard(policy), (_request, response) => void response.json([]));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const sent = { ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }), ...headers };
  let answer = '';
  for (let count = 0; count < times; count++) answer = await exchange(url, sent);
  server.close();
  server.closeAllConnections();
  await guard.close();
  return answer;
}

async function exchange(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const asked = send(url, { headers, agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const body = await text(response);
  const status = response.statusCode!;
  const start = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
  return [start, ...headerLines(response.headersDistinct), '', JSON.stringify(JSON.parse(body), null, 2)].join('\n');
}

function headerLines(headers: NodeJS.Dict<string[]> | IncomingHttpHeaders): string[] {
  return Object.entries(headers)
    .filter(([name]) => !OF_THE_CONNECTION.has(name))
    .flatMap(([name, values]) => [values ?? []].flat().map((value) => `${shownName(name)}: ${name === 'dpop-nonce' ? SHOWN_NONCE : value}`));
}

function shownName(name: string): string {
  if (name.startsWith('dpop')) return name.replace('dpop', 'DPoP').replace('-nonce', '-Nonce');
  return name.replace(/^www-/, 'WWW-').replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
}
