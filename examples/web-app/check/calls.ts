import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import type { Browser } from '../../full-flow/agent/browser.ts';
import { HEADER } from './system.ts';

type Check = (name: string, run: () => Promise<void>) => Promise<void>;

interface Problem {
  readonly error?: string;
  readonly reason?: string;
  readonly scope?: string;
}

/** Browsers of users who are logged in. */
interface Users {
  readonly origin: string;
  readonly alice: Browser;
  /** An admin. */
  readonly ada: Browser;
  /** Alice, who granted reading alone. */
  readonly reader: Browser;
}

/** Goes through the API by session cookie. */
export async function checkCalls({ origin, alice, ada, reader }: Users, check: Check): Promise<void> {
  const send = (browser: Browser, method: string, path: string, body?: object, headers: Record<string, string> = HEADER) =>
    browser.call(origin + path, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });

  await check('GET and POST /api/orders with the scopes', async () => {
    const response = await send(alice, 'POST', '/api/orders', { item: 'Darjeeling', quantity: 3 });
    strictEqual(response.status, 201);
    const order = (await response.json()) as { id: string; item: string; quantity: number };
    deepStrictEqual([order.item, order.quantity], ['Darjeeling', 3]);
    const list = (await (await send(alice, 'GET', '/api/orders')).json()) as { id: string }[];
    strictEqual(
      list.some(({ id }) => id === order.id),
      true,
    );
  });

  await check('a call without the custom header gets 403 and the reason', async () => {
    const calls = [
      ['GET', '/api/orders'],
      ['POST', '/api/orders'],
      ['DELETE', '/api/orders/1'],
      ['PUT', '/api/payout'],
    ] as const;
    for (const [method, path] of calls) {
      const response = await send(alice, method, path, undefined, {});
      deepStrictEqual([response.status, ((await response.json()) as Problem).reason], [403, 'cross_site_request'], `${method} ${path}`);
    }
    const foreign = await send(alice, 'POST', '/api/orders', {}, { ...HEADER, origin: 'https://evil.example' });
    strictEqual(foreign.status, 403, 'from another origin');
    // without a cookie there is nothing to protect
    strictEqual((await fetch(`${origin}/api/orders`)).status, 401);
  });

  await check('a scope that was not granted gets 403, and its name', async () => {
    strictEqual((await send(reader, 'GET', '/api/orders')).status, 200);
    const response = await send(reader, 'POST', '/api/orders', { item: 'tea' });
    const { error, scope } = (await response.json()) as Problem;
    deepStrictEqual([response.status, error, scope], [403, 'insufficient_scope', 'orders:write']);
  });

  await check('DELETE /api/orders/:id needs the role', async () => {
    strictEqual((await send(alice, 'DELETE', '/api/orders/1')).status, 403);
    strictEqual((await send(ada, 'DELETE', '/api/orders/1')).status, 204);
    const list = (await (await send(ada, 'GET', '/api/orders')).json()) as { id: string }[];
    strictEqual(
      list.some(({ id }) => id === '1'),
      false,
    );
  });

  await check('no token reaches the browser', async () => {
    const answers: string[] = [];
    for (const path of ['/', '/session/user', '/api/orders', '/config.json']) {
      const response = await send(alice, 'GET', path);
      answers.push(await response.text(), JSON.stringify([...response.headers]));
    }
    // a JWT begins like this
    strictEqual(/eyJ[\w-]+\.eyJ/.test(answers.join('\n')), false);
  });
}
