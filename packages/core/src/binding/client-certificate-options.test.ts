import { afterEach, expect, test, vi } from 'vitest';
import { checkOptions, type GuardOptions } from '../options.js';

afterEach(() => vi.unstubAllGlobals());

const options: GuardOptions = { issuer: 'https://login.example.com', audience: 'https://api.example.com' };
const ASKING: readonly GuardOptions[] = [{ clientCertificate: {} }, { senderConstraint: 'mtls' }];
const OTHERWISE: readonly GuardOptions[] = [
  { senderConstraint: 'any' },
  { senderConstraint: 'mtls', clientCertificate: { getCertificate: () => undefined } },
  { senderConstraint: 'mtls', clientCertificate: { header: 'client-cert', trustedProxies: ['10.0.0.7'] } },
  { senderConstraint: 'mtls', clientCertificate: { getCertificate: (request) => request.clientCertificate?.() } },
];

/** The code in it is the last of OTHERWISE. */
const problemOn = (runtime: string): string =>
  `clientCertificate: needs getCertificate or header on ${runtime}: no connection there tells the certificate of its client. Set header if a proxy verifies certificates. If the app tells the guard the certificate, set getCertificate: (request) => request.clientCertificate?.()`;

test.each([
  ['Bun', () => vi.stubGlobal('process', { ...process, versions: { ...process.versions, bun: '1.4.5' } })],
  ['Workers', () => vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })],
])('rule 228: on %s, a guard that needs the certificates of connections does not start', (runtime, pretend) => {
  for (const more of [{}, ...ASKING, ...OTHERWISE]) expect(() => checkOptions({ ...options, ...more })).not.toThrow();
  pretend();
  for (const more of ASKING) expect(() => checkOptions({ ...options, ...more })).toThrow(problemOn(runtime));
  for (const more of [{}, ...OTHERWISE]) expect(() => checkOptions({ ...options, ...more })).not.toThrow();
});
