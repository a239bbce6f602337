import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SuiteCertificates, SuiteIdentity } from '@tokenward/testing/adapter-suite';

/** Makes an authority, and certificates that it issued, with openssl. */
export function createCertificates(): SuiteCertificates {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-certificates-'));
  try {
    const openssl = (...parameters: string[]): void => void execFileSync('openssl', parameters, { cwd: folder, stdio: 'pipe' });
    const create = (name: string, ...more: string[]): SuiteIdentity => {
      const isCa = name === 'authority' ? [] : ['-addext', 'basicConstraints=critical,CA:FALSE'];
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
      openssl('req', '-x509', ...key, '-out', `${name}.pem`, '-days', '2', '-subj', `/CN=${name}`, ...isCa, ...more);
      const [cert, privateKey] = ['pem', 'key'].map((kind) => readFileSync(join(folder, `${name}.${kind}`), 'utf8'));
      return { cert: cert!, key: privateKey! };
    };
    const { cert: authority } = create('authority');
    const issued = ['-CA', 'authority.pem', '-CAkey', 'authority.key'];
    return {
      authority,
      server: create('server', ...issued, '-addext', 'subjectAltName=IP:127.0.0.1'),
      client: create('client', ...issued),
      otherClient: create('other-client', ...issued),
      selfSigned: create('self-signed'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns `x5t#S256` of a certificate (RFC 8705 s3.1), by other means than the guard's. */
export function thumbprintOf(pem: string): string {
  return Buffer.from(new X509Certificate(pem).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
}
