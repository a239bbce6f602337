import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { observe } from '@tokenward/core';
import { viewOf } from '@tokenward/core/adapter';
import type { SuiteIdentity } from '@tokenward/testing/adapter-suite';
import { expect, onTestFinished, test } from 'vitest';
import { createCertificates, thumbprintOf } from '../../testing/test/certificates.js';
import { freePort } from '../../testing/test/free-port.js';
import { startNginx } from '../../testing/test/nginx.js';
import { createScene, verdictOf } from './guarded.js';

const GUIDE = new URL('../../../docs/src/content/docs/guides/mtls.md', import.meta.url);
const { authority, server, client, otherClient, selfSigned } = createCertificates();
const header = 'X-SSL-Client-Cert';

/** Returns the configuration of the guide, with the ports and files of a test. Nothing else is changed. */
function guideConfiguration(https: number, app: number, folder: string): string {
  const [, printed = ''] = /```nginx\n([^]*?)```/.exec(readFileSync(GUIDE, 'utf8'))!;
  const pairs = [
    ['listen 443 ssl;', `listen 127.0.0.1:${https} ssl;`],
    ['http://127.0.0.1:3000;', `http://127.0.0.1:${app};`],
    ['/etc/ssl/api.example.com', folder],
    ['/etc/ssl/client-authorities.pem', `${folder}/authorities.pem`],
  ] as const;
  for (const [from] of pairs) expect(printed).toContain(from);
  return pairs.reduce((configuration, [from, to]) => configuration.replaceAll(from, to), printed);
}

function writeCertificates(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-mtls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = { 'cert.pem': server.cert, 'key.pem': server.key, 'authorities.pem': authority };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

test('rules 92 and 94: behind the nginx of the guide, the certificate of its client counts, and no client can send that of another', async () => {
  const { guard, issuer } = await createScene({
    clientCertificate: { header: { name: header, format: 'escaped-pem' }, trustedProxies: ['127.0.0.1'] },
  });
  const ignored: string[] = [];
  onTestFinished(observe('tokenward:certificate-ignored', ({ cause }) => ignored.push(cause)));
  const app = createServer((incoming, response) => {
    void Promise.resolve(guard.check(viewOf(incoming, incoming))).then((decision) => response.end(verdictOf(decision)));
  }).listen(0, '127.0.0.1');
  await once(app, 'listening');
  onTestFinished(() => void app.close());
  const https = await freePort();
  await startNginx(guideConfiguration(https, (app.address() as AddressInfo).port, writeCertificates()), https);
  const token = await issuer.issueToken({ claims: { cnf: { 'x5t#S256': thumbprintOf(client.cert) } } });

  async function askAs(identity?: SuiteIdentity, headers: Readonly<Record<string, string | string[]>> = {}): Promise<string> {
    const all = { ...headers, authorization: `Bearer ${token}` };
    const asked = request({ host: '127.0.0.1', port: https, ca: authority, ...identity, headers: all, agent: false, timeout: 10_000 }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const body = await text(response);
    return response.statusCode === 200 ? body : String(response.statusCode);
  }

  expect(await askAs(client)).toBe('allow');
  expect([await askAs(), await askAs(otherClient), await askAs(selfSigned)]).toEqual(['missing_certificate', 'wrong_certificate', '400']);
  const forged = encodeURIComponent(client.cert);
  expect(await askAs(undefined, { [header]: forged })).toBe('missing_certificate');
  expect(await askAs(undefined, { [header.replaceAll('-', '_')]: forged })).toBe('missing_certificate');
  expect(await askAs(undefined, { [header]: forged, connection: `close, ${header}` })).toBe('missing_certificate');
  expect(await askAs(otherClient, { [header]: [forged, forged] })).toBe('wrong_certificate');
  expect(await askAs(client, { [header]: 'x', connection: `close, ${header}` })).toBe('allow');
  expect(ignored).toEqual([]);
});
