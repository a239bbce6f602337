import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import express from 'express';
import { createGuard } from '@tokenward/express';
import { createDpopClient, createTestIssuer } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test } from 'vitest';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const client = await createDpopClient();
const token = await issuer.issueToken({ claims: client.claims });

interface Attacked {
  readonly port: number;
  readonly origin: string;
  /** Sends texts on one connection, and returns the status of each answer. */
  send(...requests: readonly string[]): Promise<readonly number[]>;
}

async function start(options: { publicOrigin?: string } = {}): Promise<Attacked> {
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  const app = express();
  app.use((request, _response, next) => {
    request.method = request.get('x-http-method-override') ?? request.method;
    next();
  });
  // two guards see each request, as in many apps
  app.use(guard());
  app.all('/{*path}', guard(), (_request, response) => void response.sendStatus(200));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await guard.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async send(...requests) {
      const socket = connect(port, '127.0.0.1');
      // not `end`: Node drops the requests of a client that has closed its half
      socket.write(
        requests.map((request, at) => request.replace('\r\n\r\n', at === requests.length - 1 ? '\r\nConnection: close\r\n\r\n' : '\r\n\r\n')).join(''),
      );
      return [...(await text(socket)).matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    },
  };
}

function requestWith(target: string, proof: string, host: string, ...more: readonly string[]): string {
  return [`GET ${target} HTTP/1.1`, `Host: ${host}`, `Authorization: DPoP ${token}`, `DPoP: ${proof}`, ...more].join('\r\n') + '\r\n\r\n';
}

test('rule 89: of all requests with one proof, one is admitted: in parallel, on one connection, and with the header of an upgrade', async () => {
  const { origin, port, send } = await start();
  const host = `127.0.0.1:${port}`;
  const again = (url: string, ...more: string[]) => requestWith('/orders', client.createProof({ url }, token), host, ...more);
  const parallel = again(`${origin}/orders`);
  const statuses = await Promise.all(Array.from({ length: 20 }, () => send(parallel)));
  expect(statuses.flat().filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.flat().filter((status) => status === 401)).toHaveLength(19);
  const pipelined = again(`${origin}/orders`);
  expect(await send(pipelined, pipelined, pipelined)).toEqual([200, 401, 401]);
  // what a guard knows of such a request is kept with the socket, and without `Connection: upgrade` the connection goes on
  const upgrading = again(`${origin}/orders`, 'Upgrade: other');
  expect(await send(upgrading, upgrading)).toEqual([200, 401]);
});

test('rules 83 to 85: a proof for one request admits no other, however the request is written', async () => {
  const { origin, port, send } = await start();
  const host = `127.0.0.1:${port}`;
  const proof = () => client.createProof({ url: `${origin}/orders` }, token);
  const attacks: [string, string][] = [
    ['another path', requestWith('/admin', proof(), host)],
    ['an absolute target', requestWith(`${origin}/admin`, proof(), host)],
    ['an absolute target of another host', requestWith('http://evil.example/admin', proof(), host)],
    ['a path that leaves it', requestWith('/orders/../admin', proof(), host)],
    ['a path that leaves it, encoded', requestWith('/orders/%2e%2e/admin', proof(), host)],
    ['an encoded slash', requestWith('/orders%2Fadmin', proof(), host)],
    ['two slashes', requestWith('//orders', proof(), host)],
    ['a parameter of the path', requestWith('/orders;x', proof(), host)],
    ['another case', requestWith('/ORDERS', proof(), host)],
    ['a slash at the end', requestWith('/orders/', proof(), host)],
    ['another host', requestWith('/orders', proof(), 'evil.example')],
    ['two hosts', requestWith('/orders', proof(), host, `Host: evil.example`)],
    ['another method', requestWith('/orders', proof(), host).replace('GET', 'DELETE')],
    ['a method that middleware sets', requestWith('/orders', proof(), host, 'X-HTTP-Method-Override: DELETE')],
    ['a second proof', requestWith('/orders', proof(), host, `DPoP: ${proof()}`)],
    ['a second proof in one line', requestWith('/orders', `${proof()}, ${proof()}`, host)],
    ['a second token', requestWith('/orders', proof(), host, `Authorization: Bearer ${token}`)],
    ['a token in the query', requestWith(`/orders?access_token=${token}`, proof(), host)],
    ['forwarded headers', requestWith('/orders', proof(), 'evil.example', `X-Forwarded-Host: ${host}`, `Forwarded: host=${host}`)],
  ];
  for (const [what, request] of attacks) expect([what, await send(request)]).toEqual([what, [expect.toBeOneOf([400, 401])]]);
  // what does not change the resource is no attack
  expect(await send(requestWith('/orders?page=2', proof(), host))).toEqual([200]);
  expect(await send(requestWith('/%6frders', proof(), host))).toEqual([200]);
  expect(await send(requestWith(`${origin}/orders`, proof(), host))).toEqual([200]);
});

test('rule 85: with publicOrigin, a proof that was made for another API is refused, whatever the Host field says', async () => {
  const { send, port } = await start({ publicOrigin: 'https://api.example.test' });
  const stolen = client.createProof({ url: 'https://evil.example/orders' }, token);
  for (const host of ['evil.example', 'api.example.test', `127.0.0.1:${port}`])
    expect(await send(requestWith('/orders', stolen, host, 'X-Forwarded-Proto: https'))).toEqual([401]);
  expect(await send(requestWith('/orders', client.createProof({ url: 'https://api.example.test/orders' }, token), 'evil.example'))).toEqual([200]);
});
