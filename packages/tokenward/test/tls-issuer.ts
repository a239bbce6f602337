import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:https';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** The file with the certificate of the authority. */
  readonly file: string;
  /** Makes a certificate of a server. */
  issue(name: string, { days, names }: { readonly days: number; readonly names: string }): Identity;
  remove(): void;
}

/** Makes a private authority with openssl. */
export function createAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-authority-'));
  const openssl = (...parameters: string[]): void => void execFileSync('openssl', parameters, { cwd: folder, stdio: 'pipe' });
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const signer = ['-CA', 'authority.pem', '-CAkey', 'authority.key'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'authority.key', '-out', 'authority.pem', '-days', '400', '-subj', '/O=Example Works/CN=Example Works CA');
  return {
    file: join(folder, 'authority.pem'),
    issue(name, { days, names }) {
      openssl('req', '-new', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`);
      openssl('x509', '-req', '-in', `${name}.csr`, '-days', String(days), '-copy_extensions', 'copy', '-out', `${name}.pem`, ...signer);
      return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Serves the metadata and the keys of an issuer over TLS on loopback. */
export async function startTlsIssuer(identity: Identity, keys: object): Promise<{ readonly issuer: string; close(): Promise<void> }> {
  const server: Server = createServer(identity, ({ url }, response) => {
    const documents: Record<string, object> = { '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/jwks` }, '/jwks': keys };
    const document = documents[url!];
    response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(document ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    close: () => new Promise((resolve) => (server.close(() => resolve()), server.closeAllConnections())),
  };
}
