import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import Fastify from 'fastify';
import { tokenward } from '@tokenward/fastify';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test } from 'vitest';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Sends a request line as it is: clients of URLs would drop a fragment. */
async function statusOf(port: number, method: string, path: string): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`${method} ${path} HTTP/1.1\r\nHost: api.example.test\r\nConnection: close\r\n\r\n`);
  return Number((await text(socket)).split(' ', 2)[1]);
}

test.each([{}, { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false, useSemicolonDelimiter: true }])(
  'rule 110: a guard refuses other spellings of the path of the metadata, so no fallback answers them: %j',
  async (routerOptions) => {
    const app = Fastify({ routerOptions });
    onTestFinished(() => app.close());
    await app.register(tokenward, { issuer: issuer.issuer, audience: 'https://api.example.test/api/v1' });
    await app.register(app.guard.metadata());
    app.addHook('onRequest', app.guard());
    let answers = 0;
    // a fallback that answers, as one for a page's own router does
    app.setNotFoundHandler(() => {
      answers++;
      return 'from the fallback';
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const spellings = ['#x', ';x', '/', '//', '/%61pi/v1', '/api/v1#', '/api/v1;x', '/api/v1/', '/API/v1', '/api%2Fv1', '/other'].map(
      (end) => WELL_KNOWN + end,
    );
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST'])
      for (const path of spellings) expect([method, path, await statusOf(port, method, path)]).toEqual([method, path, 401]);
    expect(answers).toBe(0);
    for (const path of [WELL_KNOWN, `${WELL_KNOWN}/api/v1`]) expect(await statusOf(port, 'GET', path)).toBe(200);
  },
);
