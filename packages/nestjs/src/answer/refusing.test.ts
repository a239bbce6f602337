import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { createResourceGuard, type Deny } from '@tokenward/core';
import { SESSION_CREDENTIALS, type BrowserSessionCredentials } from '@tokenward/core/store';
import { expect, onTestFinished, test } from 'vitest';
import type { AccessDeniedException } from './denial.js';
import { refuse } from './refusing.js';

const DELETED = '__Host-session=; Max-Age=0; Path=/; Secure';

class OrdersController {
  list() {}
}

test('the headers of the exception do not contain the cookies of a session, which are on the response already', async () => {
  const session: BrowserSessionCredentials = {
    [SESSION_CREDENTIALS]: () => ({ reason: 'session_ended', token: undefined, headers: { 'set-cookie': [DELETED] } }),
  };
  const guard = createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', session });
  onTestFinished(() => guard.close());
  const decision = (await guard.check({ method: 'GET', target: '/', headers: { cookie: 'a=1' } })) as Deny;
  expect(decision.headers['set-cookie']).toEqual([DELETED]);

  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  response.setHeader('set-cookie', 'app=1');
  const context = new ExecutionContextHost([request, response], OrdersController, OrdersController.prototype.list);
  const refused = async () => refuse(decision, context, { request, response }, { refused: () => {}, onDenied: undefined });
  const { headers } = (await refused().catch((error: unknown) => error)) as AccessDeniedException;
  expect(headers).toMatchObject({ 'www-authenticate': expect.anything(), 'cache-control': 'no-store' });
  expect(headers).not.toHaveProperty('set-cookie');
  expect(response.getHeader('set-cookie')).toEqual(['app=1', DELETED]);
});
