import { createHmac, createPublicKey, createSign, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { isObject } from '../lib/is-object.js';
import { isNestedTooDeep } from '../lib/nesting.js';
import { forged, type AttackCase } from './attack-case.js';

/** A signed token in its parts. */
export interface TokenParts {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly segments: readonly [header: string, payload: string, signature: string];
}

/** Returns the parts of a JWT, or undefined if a token is not a JWT. */
export function partsOf(token: string): TokenParts | undefined {
  const segments = token.split('.');
  if (segments.length !== 3) return undefined;
  try {
    const [header, payload] = segments.slice(0, 2).map((segment) => JSON.parse(Buffer.from(segment, 'base64url').toString('utf8')) as unknown);
    return isObject(header) && isObject(payload) && ![header, payload].some(isNestedTooDeep)
      ? { header, payload, segments: segments as unknown as TokenParts['segments'] }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Forged tokens that need no key of the issuer: they are made of a valid one. */
export function derivedTokens(parts: TokenParts, jwks: readonly JsonWebKey[], keyTrap: string): readonly AttackCase[] {
  return [
    ...unsigned(parts),
    ...changed(parts),
    ...keyedWithPublicKeys(parts, jwks),
    ...keyedWithGuesses(parts),
    ...withOwnKey(parts, keyTrap),
    ...broken(parts),
  ];
}

function unsigned({ header, segments: [head, body, signature] }: TokenParts): AttackCase[] {
  return [
    ...['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => [
      forged(`an unsigned copy with alg "${alg}"`, `${segment({ ...header, alg })}.${body}.`),
      forged(`a copy with alg "${alg}" and the old signature`, `${segment({ ...header, alg })}.${body}.${signature}`),
    ]),
    forged('an unsigned copy without alg', `${segment({ ...header, alg: undefined })}.${body}.`),
    forged('a copy without its signature', `${head}.${body}.`),
    forged('a copy without its signature and the dot before it', `${head}.${body}`),
    forged('a copy whose signature is cut in half', `${head}.${body}.${signature.slice(0, signature.length / 2)}`),
    forged('a copy with one wrong character in its signature', `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`),
    forged('a copy whose signature is zero', `${head}.${body}.${'A'.repeat(signature.length)}`),
  ];
}

function changed({ header, payload, segments: [head, body, signature] }: TokenParts): AttackCase[] {
  const soon = Math.floor(Date.now() / 1000) + 3600;
  const claims: readonly (readonly [name: string, changes: object])[] = [
    ['another sub', { sub: `${String(payload['sub'])}-changed` }],
    ['a later exp', { exp: soon + 3600 }],
    ['no exp', { exp: undefined }],
    ['another iss', { iss: 'https://attacker.example' }],
    ['another aud', { aud: 'https://attacker.example' }],
    ['more scopes', { scope: 'admin root', scp: ['admin', 'root'] }],
    ['more roles', { roles: ['admin', 'root'], realm_access: { roles: ['admin'] } }],
  ];
  return [
    ...claims.map(([name, changes]) => forged(`a copy with ${name}, and the old signature`, `${head}.${segment({ ...payload, ...changes })}.${signature}`)),
    forged('a copy with another header, and the old signature', `${segment({ ...header, typ: 'JWS' })}.${body}.${signature}`),
    forged('a copy with a second payload before the first', `${head}.${segment({ ...payload, sub: 'root' })}.${body}.${signature}`),
  ];
}

/** The public key as a secret: libraries that do not bind a key to its algorithms take it. */
function keyedWithPublicKeys(parts: TokenParts, jwks: readonly JsonWebKey[]): AttackCase[] {
  return jwks
    .slice(0, MAX_KEYS)
    .flatMap((jwk, at) =>
      secretsOf(jwk).flatMap(([form, secret]) =>
        BITS.map((bits) => mac(parts, bits, `public key ${at + 1} of the issuer ${form}`, secret, jwk.kid as string | undefined)),
      ),
    );
}

const MAX_KEYS = 3;
const BITS = ['256', '384', '512'] as const;

function secretsOf(jwk: JsonWebKey): (readonly [form: string, secret: string | Buffer])[] {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const pem = String(key.export({ type: 'spki', format: 'pem' }));
    const pkcs1: (readonly [string, string])[] =
      key.asymmetricKeyType === 'rsa' ? [['as PKCS#1 PEM', String(key.export({ type: 'pkcs1', format: 'pem' }))]] : [];
    return [
      ['as PEM', pem],
      ['as PEM without its last line break', pem.trimEnd()],
      ['as DER', key.export({ type: 'spki', format: 'der' })],
      ['as JSON', JSON.stringify(jwk)],
      ...pkcs1,
    ];
  } catch {
    return [];
  }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** Secrets of tutorials. */
function keyedWithGuesses(parts: TokenParts): AttackCase[] {
  const guesses = [
    '',
    'secret',
    'your-256-bit-secret',
    'changeme',
    'password',
    'jwt-secret',
    textOr(parts.payload['iss'], 'issuer'),
    textOr(parts.header['kid'], 'key'),
  ];
  return guesses.map((secret, at) =>
    mac(parts, '256', at === 0 ? 'an empty secret' : `a guessed secret (${at})`, secret, parts.header['kid'] as string | undefined),
  );
}

function mac({ header, payload }: TokenParts, bits: (typeof BITS)[number], what: string, secret: string | Buffer, kid: string | undefined): AttackCase {
  const signed = `${segment({ ...header, alg: `HS${bits}`, kid })}.${segment({ ...payload, sub: 'root' })}`;
  return forged(`an HS${bits} token made with ${what}`, `${signed}.${createHmac(`sha${bits}`, secret).update(signed).digest('base64url')}`);
}

/** Tokens that bring their own key, or say where it is: at an address of this program, on loopback. */
function withOwnKey({ header, payload }: TokenParts, keyTrap: string): AttackCase[] {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'brought-along', alg: 'RS256', use: 'sig' };
  const members: readonly (readonly [name: string, members: object])[] = [
    ['jwk', { jwk }],
    ['jku', { jku: `${keyTrap}/jwks` }],
    ['x5u', { x5u: `${keyTrap}/chain` }],
    ['x5c', { x5c: [publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] }],
    ['an address as kid', { kid: `${keyTrap}/jwks` }],
  ];
  const sign = (head: object): string => {
    const signed = `${segment(head)}.${segment({ ...payload, sub: 'root' })}`;
    return `${signed}.${createSign('sha256').update(signed).sign(privateKey, 'base64url')}`;
  };
  return [
    forged("a token signed with another key under the issuer's kid", sign({ ...header, alg: 'RS256' })),
    forged('a token signed with another key, without a kid', sign({ ...header, alg: 'RS256', kid: undefined })),
    ...members.flatMap(([name, member]) => [
      forged(`a token that brings its own key by ${name}`, sign({ ...header, alg: 'RS256', kid: 'brought-along', ...member })),
      forged(
        `a token that brings its own key by ${name}, under the issuer's kid`,
        sign({ ...header, alg: 'RS256', ...member, kid: (member as { kid?: string }).kid ?? header['kid'] }),
      ),
    ]),
    ...['../../../../dev/null', "x' UNION SELECT '' --", '__proto__', 'constructor'].map((kid) =>
      mac({ header, payload, segments: ['', '', ''] }, '256', `an empty secret and the kid ${kid}`, '', kid),
    ),
  ];
}

/** Tokens that a careless parser fails at. */
function broken({ header, segments: [head, body, signature] }: TokenParts): AttackCase[] {
  const heads: readonly (readonly [name: string, header: unknown])[] = [
    ['null', null],
    ['a list', []],
    ['a number', 7],
    ['an empty object', {}],
    ['an object with alg: null', { ...header, alg: null }],
    ['an object with alg: 7', { ...header, alg: 7 }],
    ['an object with alg: {}', { ...header, alg: {} }],
    ['an object with kid: {}', { ...header, kid: {} }],
    ['an object with kid: []', { ...header, kid: [] }],
    ['an object with an unknown crit', { ...header, crit: ['unknown'], unknown: 1 }],
  ];
  const bodies: readonly (readonly [name: string, text: string])[] = [
    ['null', 'null'],
    ['a list', '[]'],
    ['no JSON', '{'],
    ['empty', ''],
    ['nested a thousand levels deep', `${'['.repeat(1000)}${']'.repeat(1000)}`],
  ];
  return [
    ...heads.map(([name, value]) => forged(`a copy whose header is ${name}`, `${segment(value)}.${body}.${signature}`)),
    ...bodies.map(([name, text]) => forged(`a copy whose payload is ${name}`, `${head}.${Buffer.from(text).toString('base64url')}.${signature}`)),
    forged('a copy whose header is not UTF-8', `${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${body}.${signature}`),
    forged('dots', '..'),
    forged('a thousand dots', '.'.repeat(1000)),
    forged('a word', 'token'),
    forged('nothing after the scheme', ''),
    forged('percent signs', '%00%ff.%.%'),
    forged('a token with a byte above ASCII', `${head}\u00e9.${body}.${signature}`),
  ];
}

function segment(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}
