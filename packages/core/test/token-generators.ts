import { createHmac, createPublicKey, type KeyObject } from 'node:crypto';
import { base64url, signBytes, type SignatureQuirks, type SigningKey } from '@tokenward/testing';
import fc from 'fast-check';
import { membersOf, ODD_NUMBERS, textChange, written, type TextChange } from './json-texts.js';

/** What the tokens are made with. */
export interface Workshop {
  /** One for each name of an algorithm, shared secrets among them. */
  readonly keys: readonly SigningKey[];
  /** The same algorithms, and no key that is known to anybody. */
  readonly strangers: readonly SigningKey[];
  readonly claims: Readonly<Record<string, unknown>> & { readonly iss: string; readonly aud: string; readonly iat: number; readonly exp: number };
}

type Encoding = (base64url: string) => string;
/** Signed by a key of ours, which is known to be so, or by something else. */
type Signer = (key: SigningKey, bytes: Uint8Array) => Uint8Array;

/** Tokens of every kind between good and noise. Most are well signed, so that what is said of them is about something else. */
export function tokens(workshop: Workshop): fc.Arbitrary<string> {
  const wellSigned = signedTokens(workshop);
  return fc.oneof(
    { weight: 9, arbitrary: wellSigned },
    { weight: 5, arbitrary: fc.tuple(wellSigned, characterChange).map(([token, change]) => change(token)) },
    { weight: 1, arbitrary: fc.string({ maxLength: 200 }) },
    { weight: 1, arbitrary: fc.array(fc.base64String({ maxLength: 40 }), { maxLength: 6 }).map((parts) => parts.join('.')) },
  );
}

function signedTokens({ keys, strangers, claims }: Workshop): fc.Arbitrary<string> {
  const plan = fc.record({
    key: fc.constantFrom(...keys),
    header: rarely(3, fc.oneof(fc.dictionary(headerName, headerValue, { maxKeys: 2 }), fc.constantFrom(...ODD_HEADERS))),
    claims: rarely(
      2,
      fc.oneof(
        { weight: 3, arbitrary: fc.dictionary(claimName, claimValue(claims), { maxKeys: 3 }) },
        { weight: 2, arbitrary: fc.constantFrom(...oddClaims(claims)) },
      ),
    ),
    without: rarely(6, fc.constantFrom('iss', 'aud', 'exp', 'iat', 'sub')),
    headerText: rarely(7, textChange),
    payloadText: rarely(3, textChange),
    number: rarely(12, fc.tuple(fc.constantFrom('exp', 'iat', 'nbf'), fc.constantFrom(...oddDates(claims.iat)))),
    signer: rarely(6, oddSigner(keys, strangers)),
    encodings: rarely(5, fc.tuple(fc.constantFrom(0, 1, 2), oddEncoding)),
  });
  return plan.map(({ key, signer, ...wanted }) => {
    const header = { alg: key.algorithm, kid: key.kid, typ: 'at+jwt', ...wanted.header };
    const payload: Record<string, unknown> = { ...claims, ...wanted.claims };
    if (wanted.without !== undefined) delete payload[wanted.without];
    const [name, value] = wanted.number ?? [];
    const members = name === undefined ? membersOf(payload) : [...membersOf({ ...payload, [name]: undefined }), [`"${name}"`, value!] as const];

    const [segment, encode = (text: string) => text] = wanted.encodings ?? [];
    const segments = [asText(wanted.headerText, membersOf(header)), asText(wanted.payloadText, members)].map((text, index) =>
      index === segment ? encode(base64url(text)) : base64url(text),
    );
    const signature = base64url((signer ?? signedByKey)(key, Buffer.from(segments.join('.'), 'utf8')));
    return [...segments, segment === 2 ? encode(signature) : signature].join('.');
  });
}

function rarely<T>(oneIn: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 1, arbitrary }, { weight: oneIn - 1, arbitrary: fc.constant(undefined) });
}

function asText(change: TextChange | undefined, members: Parameters<TextChange>[0]): string | Uint8Array {
  return (change ?? written)(members);
}

const VALUES =
  'RS256 PS256 ES256 ES384 EdDSA Ed25519 HS256 HS512 ML-DSA-44 none None RS1 Ed448 JWT jwt AT+JWT application/at+jwt dpop+jwt logout+jwt secevent+jwt text/jwt'.split(
    ' ',
  );
const headerName = fc.oneof(fc.constantFrom(...'alg kid typ crit b64 cty jwk jku x5u x5c zip enc __proto__'.split(' ')), fc.string({ maxLength: 6 }));
const headerValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(...VALUES, true, false, [], ['b64'], ['exp'], ['x', 'x'], 'x'.repeat(600), undefined),
);

/** What only some readers look at. */
const ODD_HEADERS: readonly Readonly<Record<string, unknown>>[] = [
  { cty: 'JWT' },
  { cty: 'application/jwt' },
  { cty: 'json' },
  { kid: undefined },
  { kid: 'k'.repeat(513) },
  { kid: 'k'.repeat(600) },
  { typ: 'dpop+jwt' },
  { typ: 'logout+jwt' },
  { kid: '../../dev/null' },
  { b64: false },
  { b64: true, crit: ['b64'] },
  { crit: ['exp'], exp: 1 },
  { jku: 'https://evil.example.test/keys', x5u: 'https://evil.example.test/x' },
];

const CLAIM_NAMES =
  'iss aud exp nbf iat sub jti sid scope scp roles cnf nonce events at_hash azp act client_id typ token_use htm __proto__ constructor toString';
const claimName = fc.oneof(fc.constantFrom(...CLAIM_NAMES.split(' ')), fc.string({ maxLength: 8 }));

function claimValue({ iss, aud, iat }: Workshop['claims']): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(
      iss,
      `${iss}/`,
      iss.toUpperCase(),
      [iss],
      aud,
      [aud],
      ['x', aud],
      [aud, null],
      [aud, 1],
      [],
      [null],
      { [aud]: 1 },
      `${aud}/`,
      '',
      null,
      'ID',
      'Logout',
      'x',
    ),
    fc.constantFrom(iat, iat + 3600, iat + 29.5, iat + 30, iat + 31, iat - 30, iat - 29, iat - 29.5, iat - 31, iat * 1000, String(iat), 0, -1, 1e15, 0.5),
  );
}

/** One claim that is nearly right. */
function oddClaims({ iss, aud, iat }: Workshop['claims']): readonly Readonly<Record<string, unknown>>[] {
  const issuers = [`${iss}/`, `${iss}x`, iss.slice(0, -1), iss.toUpperCase(), [iss], ` ${iss}`, null].map((value) => ({ iss: value }));
  const audiences = [
    aud.slice(0, -1),
    `${aud}/`,
    `${aud}x`,
    aud.toUpperCase(),
    [aud, 1],
    [null, aud],
    [aud, [aud]],
    [aud, ''],
    ['x', aud],
    [[aud]],
    [],
    '',
    {},
  ];
  const dates = ['exp', 'nbf', 'iat'].flatMap((name) => [-30, -29, 30, 31].map((by) => ({ [name]: iat + by })));
  return [
    ...issuers,
    ...audiences.map((value) => ({ aud: value })),
    ...dates,
    { sub: iss },
    { cnf: { jkt: 'x' } },
    { cnf: { 'x5t#S256': 'A'.repeat(43) } },
    { nonce: 'n' },
    { events: {} },
  ];
}

/** As they may be written, at the edges of what is accepted with a tolerance of 30 seconds. */
function oddDates(now: number): readonly string[] {
  const edges = [-31, -30, -29, 0, 29, 30, 31].flatMap((by) => [String(now + by), `${now + by}.5`, `${now + by}.0`, `${(now + by) / 1e9}e9`]);
  return [
    ...edges,
    ...ODD_NUMBERS,
    `"${now + 60}"`,
    'true',
    'null',
    `[${now + 60}]`,
    `{"a":${now}}`,
    `${now + 60}000`,
    `-${now}`,
    '253402300799',
    '253402300800',
  ];
}

const signedByKey: Signer = (key, bytes) => signBytes(key.algorithm, key.privateKey, bytes);

function oddSigner(keys: readonly SigningKey[], strangers: readonly SigningKey[]): fc.Arbitrary<Signer> {
  const quirks = fc.constantFrom<SignatureQuirks>({ saltLength: 0 }, { saltLength: 20 }, { encoding: 'der' });
  const confusion = fc
    .tuple(
      fc.constantFrom(...keys.filter(({ privateKey }) => privateKey.type === 'private')),
      fc.constantFrom('sha256', 'sha384', 'sha512'),
      fc.constantFrom('pem', 'der', 'jwk', 'nothing'),
    )
    .map(
      ([known, hash, form]): Signer =>
        (_key, bytes) =>
          createHmac(hash, publicBytes(known.privateKey, form)).update(bytes).digest(),
    );
  const bytes = fc.oneof(
    fc.constant(new Uint8Array()),
    fc.uint8Array({ maxLength: 140 }),
    fc.constantFrom(32, 64, 96, 132, 256).map((length) => new Uint8Array(length)),
  );
  const shorter = fc.tuple(fc.nat(300), fc.boolean()).map(([cut, atStart]): Signer => (key, signed) => {
    const signature = signedByKey(key, signed);
    return atStart ? signature.subarray(cut) : signature.subarray(0, -1 - cut);
  });
  return fc.oneof(
    fc.constantFrom(...keys, ...strangers).map(
      (other): Signer =>
        (_key, signed) =>
          signBytes(other.algorithm, other.privateKey, signed),
    ),
    fc.constant<Signer>((key, signed) => signBytes(key.algorithm, strangers.find(({ algorithm }) => algorithm === key.algorithm)!.privateKey, signed)),
    quirks.map(
      (odd): Signer =>
        (key, signed) =>
          signBytes(key.algorithm, key.privateKey, signed, odd),
    ),
    confusion,
    shorter,
    bytes.map(
      (signature): Signer =>
        () =>
          signature,
    ),
  );
}

function publicBytes(privateKey: KeyObject, form: string): Buffer {
  const key = createPublicKey(privateKey);
  if (form === 'pem') return Buffer.from(key.export({ format: 'pem', type: 'spki' }));
  if (form === 'der') return key.export({ format: 'der', type: 'spki' });
  return Buffer.from(form === 'jwk' ? JSON.stringify(key.export({ format: 'jwk' })) : '');
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** What readers of base64 pass over, and what changes bits that have no meaning. */
const oddEncoding: fc.Arbitrary<Encoding> = fc.constantFrom<Encoding>(
  (text) => `${text}=`,
  (text) => text.padEnd(Math.ceil(text.length / 4) * 4, '='),
  (text) => text.replaceAll('-', '+').replaceAll('_', '/'),
  (text) => `${text.slice(0, 9)} ${text.slice(9)}`,
  (text) => `${text}\n`,
  (text) => `${text.slice(0, 4)}\0${text.slice(4)}`,
  (text) => `${text.slice(0, -1)}${ALPHABET[ALPHABET.indexOf(text.at(-1)!) | 1] ?? ''}`,
  (text) => `${text.slice(0, -1)}${ALPHABET[ALPHABET.indexOf(text.at(-1)!) | 3] ?? ''}`,
  (text) => `${text}A`,
  (text) => `${text}!`,
  (text) => `${text}\u00e9`,
);

/** A character changed, a piece cut out, repeated or moved. */
const characterChange: fc.Arbitrary<(token: string) => string> = fc
  .tuple(fc.nat(), fc.nat({ max: 40 }), fc.constantFrom('replace', 'cut', 'repeat', 'move'), fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 3 }))
  .map(([position, length, how, text]) => (token) => {
    const at = position % Math.max(1, token.length);
    const piece = token.slice(at, at + length);
    if (how === 'replace') return token.slice(0, at) + text + token.slice(at + text.length);
    if (how === 'cut') return token.slice(0, at) + token.slice(at + length);
    if (how === 'repeat') return token.slice(0, at) + piece + token.slice(at);
    return token.slice(0, at) + token.slice(at + length) + piece;
  });
