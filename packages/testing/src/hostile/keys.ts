import { createHmac, createPublicKey } from 'node:crypto';
import type { Algorithm } from '@tokenward/core';
import { asSigningKey, generatePrivateKey, signBytes, type SigningKey } from '../signing-key.js';
import { row, segment, type Forge, type HostileToken } from './hostile-token.js';

/** Section C: tokens whose signature proves nothing. Some need odd keys in the issuer's JWKS, which are published here. */
export async function keyRows(forge: Forge): Promise<HostileToken[]> {
  // before the odd keys come, since the newest key of an algorithm signs
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
    row(21, `alg "${alg}" with nothing as its signature`, 'malformed_token', token({ header: header({ alg }), sign: () => NOTHING })),
    row(21, `alg "${alg}" with some signature`, 'algorithm_not_allowed', token({ header: header({ alg }) })),
  ]);
}

function keyedWithPublicKeys({ token, header, key }: Forge): HostileToken[] {
  const publicKey = createPublicKey(key.privateKey);
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const secrets: [string, string | Buffer][] = [
    ['PEM', pem],
    ['PEM without its last line break', pem.trimEnd()],
    ['PEM behind a line break', `\n${pem}`],
    ['PKCS#1 PEM', String(publicKey.export({ type: 'pkcs1', format: 'pem' }))],
    ['DER', publicKey.export({ type: 'spki', format: 'der' })],
    ['JWK', JSON.stringify(publicKey.export({ format: 'jwk' }))],
    ['nothing', ''],
  ];
  return secrets.flatMap(([form, secret]) =>
    (['256', '384', '512'] as const).map((bits) =>
      row(
        22,
        `HS${bits} with the public key as the secret (${form})`,
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
    row(24, `a key by ${name}, under an unknown kid`, 'unknown_key', token({ header: header({ kid: own.kid, ...member }), sign })),
    row(24, `a key by ${name}, under the kid of a published one`, 'bad_signature', token({ header: header({ ...member }), sign })),
  ]);
}

function strangeKeyIds({ token, header }: Forge): HostileToken[] {
  const ids = ['__proto__', 'constructor', 'toString', '0', '', '../../dev/null', "x' UNION SELECT 'key", 'http://127.0.0.1:9/jwks', '\u0000', '*'];
  return [
    ...ids.map((kid) => row(29, `kid ${JSON.stringify(kid)}`, 'unknown_key', token({ header: header({ kid }) }))),
    row(29, 'a kid of 513 characters', 'malformed_token', token({ header: header({ kid: 'k'.repeat(513) }) })),
  ];
}

const oddLengths = new Map<number, Promise<SigningKey['privateKey']>>();

/** Such a key is refused whoever has it, so that one serves all issuers: it takes long to generate. */
function oddLength(modulusLength: number): Promise<SigningKey['privateKey']> {
  const made = oddLengths.get(modulusLength) ?? generatePrivateKey('RS256', { modulusLength });
  oddLengths.set(modulusLength, made);
  return made;
}

/** Keys that the issuer publishes and that may not be used, or not so. */
async function misfits({ token, header, issuer, key }: Forge): Promise<HostileToken[]> {
  const rows: HostileToken[] = [
    row(20, 'PS256 with a key that is for RS256', 'unknown_key', token({ header: header({ alg: 'PS256' }), sign: signerOf(key, 'PS256') })),
    row(20, 'RS512 with a key that is for RS256', 'unknown_key', token({ header: header({ alg: 'RS512' }), sign: signerOf(key, 'RS512') })),
    row(20, 'ES256 in the header over a signature of RS256', 'unknown_key', token({ header: header({ alg: 'ES256' }) })),
    row(20, 'an algorithm in lower case', 'algorithm_not_allowed', token({ header: header({ alg: 'rs256' }) })),
  ];

  async function publish(rule: number, name: string, algorithm: Algorithm, members: Record<string, unknown>, made?: SigningKey['privateKey']): Promise<void> {
    const odd = asSigningKey(algorithm, made ?? (await generatePrivateKey(algorithm)), `odd-${rule}-${rows.length}`, members);
    issuer.publishKey(odd);
    rows.push(row(rule, name, 'unknown_key', token({ header: { alg: algorithm, typ: 'at+jwt', kid: odd.kid }, sign: signerOf(odd) })));
  }

  await publish(25, 'an RSA key of 1024 bits', 'RS256', {}, await oddLength(1024));
  await publish(25, 'an RSA key of 2047 bits', 'RS256', {}, await oddLength(2047));
  await publish(27, 'ES256 with a key on P-384', 'ES256', { alg: undefined }, await generatePrivateKey('ES384'));
  await publish(27, 'ES256 with a key on P-384 that says ES256', 'ES256', {}, await generatePrivateKey('ES384'));
  await publish(31, 'a key for encryption (use)', 'RS256', { use: 'enc' });
  await publish(31, 'a key of unknown use', 'RS256', { use: ['sig'] });
  await publish(31, 'a key for signing only (key_ops)', 'RS256', { key_ops: ['sign'] });
  await publish(31, 'a key for another algorithm', 'RS256', { alg: 'RS384' });
  await publish(31, 'a key whose algorithm is no string', 'RS256', { alg: ['RS256'] });
  await publish(29, 'a key whose kid is no string', 'RS256', { kid: 7 });

  const secret = 'a shared secret of more than thirty-two bytes';
  issuer.publishKey({ ...key, kid: 'shared', publicJwk: { kty: 'oct', k: segment(secret), kid: 'shared', alg: 'HS256', use: 'sig' } });
  const mac = (signed: Uint8Array): Uint8Array => createHmac('sha256', secret).update(signed).digest();
  rows.push(row(32, 'HS256 with a secret out of the JWKS', 'algorithm_not_allowed', token({ header: header({ alg: 'HS256', kid: 'shared' }), sign: mac })));
  rows.push(row(32, 'RS256 in the header over a MAC by a secret out of the JWKS', 'unknown_key', token({ header: header({ kid: 'shared' }), sign: mac })));
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
        `PS256 with a salt of ${saltLength} bytes`,
        'bad_signature',
        of(pss, (signed) => signBytes('PS256', pss.privateKey, signed, { saltLength })),
      ),
    ),
    row(
      26,
      'EdDSA cut short',
      'bad_signature',
      of(
        ed,
        changed(ed, (signature) => signature.subarray(0, 63)),
      ),
    ),
    row(
      26,
      'EdDSA with a byte more',
      'bad_signature',
      of(
        ed,
        changed(ed, (signature) => Buffer.concat([signature, Buffer.alloc(1)])),
      ),
    ),
    row(
      26,
      'EdDSA of zeros',
      'bad_signature',
      of(ed, () => new Uint8Array(64)),
    ),
    row(
      28,
      'ECDSA as DER',
      'bad_signature',
      of(ec, (signed) => signBytes('ES256', ec.privateKey, signed, { encoding: 'der' })),
    ),
    row(
      28,
      'ECDSA with r and s zero',
      'bad_signature',
      of(ec, () => new Uint8Array(64)),
    ),
    row(
      28,
      'ECDSA with r zero',
      'bad_signature',
      of(
        ec,
        changed(ec, (signature) => Buffer.concat([number('0'), signature.subarray(32)])),
      ),
    ),
    row(
      28,
      'ECDSA with s zero',
      'bad_signature',
      of(
        ec,
        changed(ec, (signature) => Buffer.concat([signature.subarray(0, 32), number('0')])),
      ),
    ),
    row(
      28,
      'ECDSA with r the order of the curve',
      'bad_signature',
      of(ec, () => Buffer.concat([number(order), number('1')])),
    ),
    row(
      28,
      'ECDSA with s the order of the curve',
      'bad_signature',
      of(ec, () => Buffer.concat([number('1'), number(order)])),
    ),
    row(
      28,
      'ECDSA with s out of range',
      'bad_signature',
      of(
        ec,
        changed(ec, (signature) => Buffer.concat([signature.subarray(0, 32), number('f'.repeat(64))])),
      ),
    ),
    row(
      28,
      'ECDSA with a byte less',
      'bad_signature',
      of(
        ec,
        changed(ec, (signature) => signature.subarray(0, 63)),
      ),
    ),
    row(
      28,
      'ECDSA with leading zeros',
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
    row(33, "another issuer's key under our key's kid", 'bad_signature', token({ sign: signerOf(theirs) })),
    row(33, "another issuer's key under its own kid", 'unknown_key', token({ header: header({ kid: unnamed.kid }), sign: signerOf(unnamed) })),
    row(33, "another issuer's key without a kid", 'bad_signature', token({ header: header({ kid: undefined }), sign: signerOf(unnamed) })),
  ];
}

function signerOf({ algorithm, privateKey }: SigningKey, as: Algorithm = algorithm): (signed: Uint8Array) => Uint8Array {
  return (signed) => signBytes(as, privateKey, signed);
}
