import { createHmac, createPublicKey } from 'node:crypto';
import type { Algorithm } from '@tokenward/core';
import { asSigningKey, generatePrivateKey, signBytes, type SigningKey } from '../signing-key.js';
import { row, segment, type Forge, type HostileToken } from './hostile-token.js';

/** Section C: tokens whose signature no guard may accept. Some need invalid keys in the issuer's JWKS, which this function publishes. */
export async function keyRows(forge: Forge): Promise<HostileToken[]> {
  // first, because the issuer signs with the newest key of an algorithm, and misfits() publishes invalid ones
  const badlySigned = await signatures(forge);
  return [
    ...unsigned(forge),
    ...keyedWithPublicKeys(forge),
    ...(await keysFromHeaders(forge)),
    ...strangeKeyIds(forge),
    ...badlySigned,
    ...(await misfits(forge)),
    ...(await foreign(forge)),
  ];
}

const NOTHING = new Uint8Array();

function unsigned({ token, header }: Forge): HostileToken[] {
  return ['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => [
    row(21, `an unsigned token with alg "${alg}"`, 'malformed_token', token({ header: header({ alg }), sign: () => NOTHING })),
    row(21, `a signed token with alg "${alg}"`, 'algorithm_not_allowed', token({ header: header({ alg }) })),
  ]);
}

function keyedWithPublicKeys({ token, header, key }: Forge): HostileToken[] {
  const publicKey = createPublicKey(key.privateKey);
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const secrets: [string, string | Buffer][] = [
    ['the public key as PEM', pem],
    ['the public key as PEM without its last line break', pem.trimEnd()],
    ['the public key as PEM after a line break', `\n${pem}`],
    ['the public key as PKCS#1 PEM', String(publicKey.export({ type: 'pkcs1', format: 'pem' }))],
    ['the public key as DER', publicKey.export({ type: 'spki', format: 'der' })],
    ['the public key as a JWK', JSON.stringify(publicKey.export({ format: 'jwk' }))],
    ['empty', ''],
  ];
  return secrets.flatMap(([form, secret]) =>
    (['256', '384', '512'] as const).map((bits) =>
      row(
        22,
        `an HS${bits} token whose secret is ${form}`,
        'algorithm_not_allowed',
        token({ header: header({ alg: `HS${bits}` }), sign: (signed) => createHmac(`sha${bits}`, secret).update(signed).digest() }),
      ),
    ),
  );
}

async function keysFromHeaders({ token, header }: Forge): Promise<HostileToken[]> {
  const own = asSigningKey('RS256', await generatePrivateKey('RS256'), 'brought-along');
  const sign = signerOf(own);
  const members: [string, object][] = [
    ['jwk', { jwk: own.publicJwk }],
    ['jku', { jku: 'http://127.0.0.1:9/jwks' }],
    ['x5u', { x5u: 'http://127.0.0.1:9/chain' }],
    ['x5c', { x5c: ['MIIB'] }],
    ['x5t', { x5t: 'dGh1bWJwcmludA' }],
  ];
  return members.flatMap(([name, member]) => [
    row(24, `a token that names its own key by ${name}, with an unknown kid`, 'unknown_key', token({ header: header({ kid: own.kid, ...member }), sign })),
    row(24, `a token that names its own key by ${name}, with the kid of a published key`, 'bad_signature', token({ header: header({ ...member }), sign })),
  ]);
}

function strangeKeyIds({ token, header }: Forge): HostileToken[] {
  const ids = ['__proto__', 'constructor', 'toString', '0', '', '../../dev/null', "x' UNION SELECT 'key", 'http://127.0.0.1:9/jwks', '\u0000', '*'];
  return [
    ...ids.map((kid) => row(29, `a token with kid ${JSON.stringify(kid)}`, 'unknown_key', token({ header: header({ kid }) }))),
    row(29, 'a token with a kid of 513 characters', 'malformed_token', token({ header: header({ kid: 'k'.repeat(513) }) })),
  ];
}

const oddLengths = new Map<number, Promise<SigningKey['privateKey']>>();

/** Returns an RSA key of an invalid length. It takes long to generate, so all issuers share one: a guard refuses it from any of them. */
function oddLength(modulusLength: number): Promise<SigningKey['privateKey']> {
  const made = oddLengths.get(modulusLength) ?? generatePrivateKey('RS256', { modulusLength });
  oddLengths.set(modulusLength, made);
  return made;
}

/** Tokens signed with a published key that no guard may use, or not with this algorithm. */
async function misfits({ token, header, issuer, key }: Forge): Promise<HostileToken[]> {
  const rows: HostileToken[] = [
    row(20, 'a PS256 token signed with an RS256 key', 'unknown_key', token({ header: header({ alg: 'PS256' }), sign: signerOf(key, 'PS256') })),
    row(20, 'an RS512 token signed with an RS256 key', 'unknown_key', token({ header: header({ alg: 'RS512' }), sign: signerOf(key, 'RS512') })),
    row(20, 'a token with alg ES256 and an RS256 signature', 'unknown_key', token({ header: header({ alg: 'ES256' }) })),
    row(20, 'a token whose alg is in lower case', 'algorithm_not_allowed', token({ header: header({ alg: 'rs256' }) })),
  ];

  async function publish(rule: number, what: string, algorithm: Algorithm, members: Record<string, unknown>, made?: SigningKey['privateKey']): Promise<void> {
    const odd = asSigningKey(algorithm, made ?? (await generatePrivateKey(algorithm)), `odd-${rule}-${rows.length}`, members);
    issuer.publishKey(odd);
    rows.push(row(rule, `a token signed with ${what}`, 'unknown_key', token({ header: { alg: algorithm, typ: 'at+jwt', kid: odd.kid }, sign: signerOf(odd) })));
  }

  await publish(25, 'an RSA key of 1024 bits', 'RS256', {}, await oddLength(1024));
  await publish(25, 'an RSA key of 2047 bits', 'RS256', {}, await oddLength(2047));
  await publish(27, 'ES256 and a P-384 key without alg', 'ES256', { alg: undefined }, await generatePrivateKey('ES384'));
  await publish(27, 'ES256 and a P-384 key whose alg is ES256', 'ES256', {}, await generatePrivateKey('ES384'));
  await publish(31, 'an encryption key (use)', 'RS256', { use: 'enc' });
  await publish(31, 'a key with an invalid use', 'RS256', { use: ['sig'] });
  await publish(31, 'a key that is only for signing (key_ops)', 'RS256', { key_ops: ['sign'] });
  await publish(31, 'a key for another algorithm', 'RS256', { alg: 'RS384' });
  await publish(31, 'a key whose alg is not a string', 'RS256', { alg: ['RS256'] });
  await publish(29, 'a key whose kid is not a string', 'RS256', { kid: 7 });

  const secret = 'a shared secret of more than thirty-two bytes';
  issuer.publishKey({ ...key, kid: 'shared', publicJwk: { kty: 'oct', k: segment(secret), kid: 'shared', alg: 'HS256', use: 'sig' } });
  const mac = (signed: Uint8Array): Uint8Array => createHmac('sha256', secret).update(signed).digest();
  rows.push(
    row(
      32,
      'an HS256 token signed with a secret from the JWKS',
      'algorithm_not_allowed',
      token({ header: header({ alg: 'HS256', kid: 'shared' }), sign: mac }),
    ),
  );
  rows.push(
    row(32, 'a token with alg RS256 and an HS256 MAC made with a secret from the JWKS', 'unknown_key', token({ header: header({ kid: 'shared' }), sign: mac })),
  );
  return rows;
}

async function signatures({ token, issuer, header }: Forge): Promise<HostileToken[]> {
  const pss = await issuer.signingKey('PS256');
  const ec = await issuer.signingKey('ES256');
  const ed = await issuer.signingKey('EdDSA');
  const of = ({ kid, algorithm }: SigningKey, sign: (signed: Uint8Array) => Uint8Array): string => token({ header: header({ alg: algorithm, kid }), sign });
  const changed = (key: SigningKey, change: (signature: Buffer) => Uint8Array) => (signed: Uint8Array) =>
    change(signBytes(key.algorithm, key.privateKey, signed));
  const number = (text: string): Buffer => Buffer.from(text.padStart(64, '0'), 'hex');
  const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
  return [
    ...[0, 20, 64, 222].map((saltLength) =>
      row(
        26,
        `a PS256 signature with a salt of ${saltLength} bytes`,
        'bad_signature',
        of(pss, (signed) => signBytes('PS256', pss.privateKey, signed, { saltLength })),
      ),
    ),
    row(
      26,
      'an EdDSA signature that is one byte short',
      'bad_signature',
      of(
        ed,
        changed(ed, (signature) => signature.subarray(0, 63)),
      ),
    ),
    row(
      26,
      'an EdDSA signature with one byte too many',
      'bad_signature',
      of(
        ed,
        changed(ed, (signature) => Buffer.concat([signature, Buffer.alloc(1)])),
      ),
    ),
    row(
      26,
      'an EdDSA signature of zeros',
      'bad_signature',
      of(ed, () => new Uint8Array(64)),
    ),
    row(
      28,
      'an ECDSA signature in DER',
      'bad_signature',
      of(ec, (signed) => signBytes('ES256', ec.privateKey, signed, { encoding: 'der' })),
    ),
    row(
      28,
      'an ECDSA signature whose r and s are zero',
      'bad_signature',
      of(ec, () => new Uint8Array(64)),
    ),
    row(
      28,
      'an ECDSA signature whose r is zero',
      'bad_signature',
      of(
        ec,
        changed(ec, (signature) => Buffer.concat([number('0'), signature.subarray(32)])),
      ),
    ),
    row(
      28,
      'an ECDSA signature whose s is zero',
      'bad_signature',
      of(
        ec,
        changed(ec, (signature) => Buffer.concat([signature.subarray(0, 32), number('0')])),
      ),
    ),
    row(
      28,
      'an ECDSA signature whose r is the order of the curve',
      'bad_signature',
      of(ec, () => Buffer.concat([number(order), number('1')])),
    ),
    row(
      28,
      'an ECDSA signature whose s is the order of the curve',
      'bad_signature',
      of(ec, () => Buffer.concat([number('1'), number(order)])),
    ),
    row(
      28,
      'an ECDSA signature whose s is out of range',
      'bad_signature',
      of(
        ec,
        changed(ec, (signature) => Buffer.concat([signature.subarray(0, 32), number('f'.repeat(64))])),
      ),
    ),
    row(
      28,
      'an ECDSA signature that is one byte short',
      'bad_signature',
      of(
        ec,
        changed(ec, (signature) => signature.subarray(0, 63)),
      ),
    ),
    row(
      28,
      'an ECDSA signature with leading zeros',
      'bad_signature',
      of(
        ec,
        changed(ec, (signature) => Buffer.concat([Buffer.alloc(1), signature.subarray(0, 32), Buffer.alloc(1), signature.subarray(32)])),
      ),
    ),
  ];
}

async function foreign({ token, header, key }: Forge): Promise<HostileToken[]> {
  const theirs = asSigningKey('RS256', await generatePrivateKey('RS256'), key.kid);
  const unnamed = asSigningKey('RS256', await generatePrivateKey('RS256'), 'of-another-issuer');
  return [
    row(33, "a token signed with another issuer's key under this issuer's kid", 'bad_signature', token({ sign: signerOf(theirs) })),
    row(
      33,
      "a token signed with another issuer's key under that key's kid",
      'unknown_key',
      token({ header: header({ kid: unnamed.kid }), sign: signerOf(unnamed) }),
    ),
    row(33, "a token signed with another issuer's key, without a kid", 'bad_signature', token({ header: header({ kid: undefined }), sign: signerOf(unnamed) })),
  ];
}

function signerOf({ algorithm, privateKey }: SigningKey, as: Algorithm = algorithm): (signed: Uint8Array) => Uint8Array {
  return (signed) => signBytes(as, privateKey, signed);
}
