import { randomBytes } from 'node:crypto';
import { createResourceGuard, type ReceivedMessage } from '@tokenward/core';
import { createTestIssuer } from '@tokenward/testing';
import { describe, expect, test } from 'vitest';
import { decodeBase64url } from '../src/lib/base64url.js';
import { claimedIssuer } from '../src/jose/unverified-issuer.js';
import { parseCompactJws } from '../src/jose/compact-jws.js';
import { parseStrictObject } from '../src/lib/json.js';
import { parseJson } from '../src/lib/parse-json.js';
import { challengeLine } from '../src/decision/challenge.js';
import { isToken68, readCredentials } from '../src/request/credentials.js';
import { freshnessSeconds } from '../src/keys/freshness.js';
import { parseKeyText } from '../src/keys/key-file.js';
import { isKeyMaterial } from '../src/keys/key-material.js';
import { parseKeySet } from '../src/jose/key-set.js';
import { readSecret } from '../src/keys/shared-secrets.js';
import { tenantOf } from '../src/issuer/tenants.js';
import { originOf } from '../src/node/node-http.js';
import { readEventSubject } from '../src/security-event/subject.js';
import { headerReader } from '../src/binding/certificate-headers.js';
import { printable, printableUrl, urlProblem } from '../src/lib/url.js';
import { broken, endsInTime, long } from './ends-in-time.js';
import { publicForms } from './public-key-forms.js';

const issuer = await createTestIssuer({ algorithm: 'ES256' });
await issuer.close();
const token = await issuer.issueToken({ scopes: ['orders:read'], claims: { permissions: { 'CORP\\orders': ['read "all"'] }, name: 'Zo\u00eb' } });
const [header, payload] = token.split('.').map((segment) => Buffer.from(segment, 'base64url').toString()) as [string, string];
const forms = publicForms();
const pem = forms.find(({ form }) => form === 'a PEM (SPKI) of EC')!.bytes.toString();
const sshLine = forms.find(({ form }) => form === 'an OpenSSH line of Ed25519')!.bytes.toString();
const jwks = JSON.stringify({ keys: [issuer.jwks.keys[0], { kty: 'EC', 'x\\': ['"'], '\ue000': 1 }] });
const CERTIFICATE = encodeURIComponent('-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, jwks: issuer.jwks as never });
const [logout, events] = [
  guard.backchannelLogout({ clientId: 'client-1' }),
  guard.sharedSignals({ audience: 'a', unsafeAcceptUnauthenticatedTransmitters: true }),
];

interface Parser {
  readonly name: string;
  /** Valid texts. */
  readonly texts: readonly string[];
  readonly parse: (text: string) => unknown;
  /** The length of the longest text that reaches the parser. */
  readonly most: number;
}

const MESSAGE = 65_536;
/** A quarter of the length is enough to detect a parser that is not linear. `npm run test:long` uses the whole length. */
const SHARE = process.env['TOKENWARD_RUNS'] ? 1 : 4;
const DOCUMENT = 524_288 / SHARE;
const FILE = 1_048_576 / SHARE;
const FIELD = 16_384;

const PARSERS: readonly Parser[] = [
  { name: 'JSON of tokens', texts: [header, payload], parse: (text) => parseStrictObject(Buffer.from(text)), most: DOCUMENT },
  { name: 'JSON of servers', texts: [jwks, payload], parse: throwing((text) => parseJson(text)), most: DOCUMENT },
  { name: 'the unverified issuer', texts: [payload], parse: (text) => claimedIssuer(Buffer.from(text)), most: DOCUMENT },
  { name: 'compact JWS', texts: [token], parse: (text) => parseCompactJws(text), most: DOCUMENT },
  { name: 'base64url', texts: [token.split('.')[2]!], parse: decodeBase64url, most: DOCUMENT },
  { name: 'JWKS', texts: [jwks], parse: throwing((text) => parseKeySet(parseJson(text), ['ES256', 'RS256'], 100)), most: DOCUMENT },
  { name: 'keys as text', texts: [pem, `# ours\n${pem}${pem}`, jwks], parse: throwing((text) => parseKeyText(text, ['ES256'], 100)), most: FILE },
  {
    name: 'the detection of keys',
    texts: [pem, sshLine, Buffer.from(pem).toString('hex')],
    parse: (text) => isKeyMaterial(Buffer.from(text)),
    most: FILE / Math.min(SHARE, 2),
  },
  { name: 'a shared secret', texts: [randomBytes(32).toString('base64url')], parse: (text) => readSecret(Buffer.from(text), ['HS256']), most: FILE },
  {
    name: 'the Authorization field',
    texts: [`Bearer ${token.slice(-120)}`, 'Basic YTpi, bearer x'],
    parse: (text) => credentialsOf(text, '/'),
    most: DOCUMENT,
  },
  { name: 'the query of the target', texts: ['/orders?a=%20b&access_token=c'], parse: (text) => credentialsOf('Bearer a', text), most: FIELD },
  { name: 'token68', texts: ['abc-._~+/=='], parse: isToken68, most: DOCUMENT },
  { name: 'Cache-Control', texts: ['public, max-age="600" , must-revalidate'], parse: (text) => freshnessSeconds(() => text, 600), most: FIELD },
  { name: 'URLs', texts: ['https://login.example.com/a?b#c'], parse: (text) => [urlProblem(text), printableUrl(text), printable(text)], most: DOCUMENT },
  { name: 'Host', texts: ['api.example.com:8443'], parse: (text) => originOf('https', text), most: FIELD },
  { name: 'Client-Cert', texts: [':MIIB:'], parse: headerReader('byte-sequence', 1), most: DOCUMENT },
  { name: 'a certificate in escaped PEM', texts: [CERTIFICATE], parse: headerReader('escaped-pem', 1), most: DOCUMENT },
  {
    name: 'XFCC',
    texts: [`By=a;Hash=${'a'.repeat(64)};Subject="\\"x, y=;";Cert="${CERTIFICATE}"`, 'URI=a,URI=b'],
    parse: headerReader('xfcc', 2),
    most: DOCUMENT,
  },
  { name: 'tenants', texts: ['https://a.example/t-1/v2'], parse: (text) => tenantOf('https://a.example/{tenant}/v2', text), most: DOCUMENT },
  { name: 'a challenge', texts: ['orders:read "x"'], parse: (text) => challengeLine('Bearer', { realm: text, scope: text }), most: FIELD },
  {
    name: 'a logout token in a form',
    texts: [`logout_token=${token}`],
    parse: (text) => void logout(message('application/x-www-form-urlencoded', text)),
    most: MESSAGE,
  },
  { name: 'a security event token', texts: [token], parse: (text) => void events(message('application/secevent+jwt', text)), most: MESSAGE },
  { name: 'a media type', texts: ['application/secevent+jwt; charset="utf-8"'], parse: (text) => void events(message(text, token)), most: FIELD },
  {
    name: 'subject identifiers',
    texts: ['{"format":"aliases","identifiers":[{"format":"iss_sub","iss":"i","sub":"s"},{"user":{"format":"opaque","id":"x"}}]}'],
    parse: throwing((text) => readEventSubject(parseJson(text), 'i')),
    most: MESSAGE,
  },
];

describe.each(PARSERS)('$name', ({ texts, parse, most }) => {
  test('rule 165: ends for each part of a valid text, and for each text that differs in a character', () => {
    let current = '';
    endsInTime(
      15,
      () => {
        for (const text of texts) {
          for (current of broken(text)) parse(current);
        }
      },
      () => JSON.stringify(current),
    );
    expect(current).not.toBe('');
  });

  test('rule 165: ends within 4 seconds for a long text of repeated parts', { timeout: 120_000 }, () => {
    for (const text of texts.slice(0, 1)) {
      // many times what a linear parser needs; any other takes minutes
      for (const row of long(text, most))
        endsInTime(
          4,
          () => parse(row),
          () => `${row.length} characters: ${JSON.stringify(row.slice(0, 80))}`,
        );
    }
  });
});

test('rule 165: the test helper reports a parser that never ends', () => {
  expect(() =>
    endsInTime(
      0.05,
      () => {
        for (;;);
      },
      () => 'this',
    ),
  ).toThrow('it did not end within 0.05 s: this');
});

/** Wraps a parser so that a thrown error counts as an answer. */
function throwing(parse: (text: string) => unknown): (text: string) => unknown {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      // a stack overflow is not an answer
      if (error instanceof RangeError) throw error;
      return undefined;
    }
  };
}

function credentialsOf(authorization: string, target: string): unknown {
  return readCredentials({ method: 'GET', target, headers: { authorization } }, FIELD, true);
}

function message(type: string, body: string): ReceivedMessage {
  return { method: 'POST', headers: { 'content-type': type }, body };
}
