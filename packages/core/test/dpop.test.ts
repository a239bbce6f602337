import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createResourceGuard, scope, type Decision, type Deny, type GuardOptions, type ProtectedRequest, type RouteRequirements } from '@tokenward/core';
import { memoryReplays, type ReplayAnswer, type ReplayStore } from '@tokenward/core/store';
import {
  base64url,
  compactJws,
  createDpopClient,
  createTestClock,
  signBytes,
  type DpopClient,
  type ProvenRequest,
  type TokenOptions,
} from '@tokenward/testing';
import { describe, expect, test, vi } from 'vitest';
import { configurationErrorOf, createScene, expectAllowed, verdictOf, type Scene } from './guarded.js';
import { activeAnswer, AUDIENCE, ISSUER, startEndpoint } from './introspection.js';

const ORIGIN = 'https://api.example.test';
const URL_OF_REQUEST = `${ORIGIN}/orders`;

interface DpopScene extends Scene {
  readonly client: DpopClient;
  /** A token that is bound to the client's key. */
  readonly token: string;
  /** Sends a proof as wished, for a `GET` of the orders. */
  send(proof?: Partial<ProvenRequest> | string | readonly string[], more?: Partial<ProtectedRequest>, requirements?: RouteRequirements): Promise<Decision>;
}

async function createDpopScene(options: GuardOptions = {}): Promise<DpopScene> {
  const scene = await createScene(options);
  const client = await createDpopClient({ clock: scene.clock });
  const token = await scene.issuer.issueToken({ scopes: ['orders:read'], claims: client.claims });
  return {
    ...scene,
    client,
    token,
    async send(proof = {}, more = {}, requirements = {}) {
      const dpop = typeof proof === 'string' || Array.isArray(proof) ? proof : client.createProof({ url: URL_OF_REQUEST, ...(proof as object) }, token);
      return scene.guard.check(requestWith(token, dpop as string, more), requirements);
    },
  };
}

function requestWith(token: string, dpop: string | readonly string[] | undefined, more: Partial<ProtectedRequest> = {}): ProtectedRequest {
  return { method: 'GET', target: '/orders', origin: ORIGIN, headers: { authorization: `DPoP ${token}`, dpop }, ...more };
}

function expectProofRefused(decision: Decision, cause: string | RegExp): Deny {
  expect(decision).toMatchObject({ outcome: 'deny', status: 401, reason: 'invalid_proof', body: { error: 'invalid_dpop_proof' } });
  const denied = decision as Deny;
  expect(denied.cause).toEqual(typeof cause === 'string' ? cause : expect.stringMatching(cause));
  expect(denied.headers['www-authenticate']).toEqual([
    expect.stringMatching(/^DPoP realm="api", error="invalid_dpop_proof", error_description="[^"]+", algs="ES256 [^"]+"$/),
    'Bearer realm="api"',
  ]);
  return denied;
}

describe('the example of RFC 9449 s7.1', () => {
  const token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';
  const proof =
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09r' +
    'X282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5l' +
    'eGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.' +
    '2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA';
  const request = { target: '/protectedresource', origin: 'https://resource.example.org' };

  test('rules 81 to 89: is accepted once, in its time, for its request', async () => {
    const clock = createTestClock(1_562_262_618_000);
    const { url } = await startEndpoint(() => activeAnswer(clock, { token_type: 'DPoP', cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }));
    const introspection = { endpoint: url, clientId: 'api', clientSecret: 'secret-of-the-api' };
    const guard = createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, introspection, clock });
    for (const more of [{ method: 'POST' }, { target: '/' }, { origin: 'http://resource.example.org' }])
      expect(verdictOf(await guard.check(requestWith(token, proof, { ...request, ...more })))).toBe('invalid_proof');
    expect(verdictOf(await guard.check({ ...requestWith(token, proof, request), headers: { authorization: `Bearer ${token}`, dpop: proof } }))).toBe(
      'bound_token_as_bearer',
    );
    expectAllowed(await guard.check(requestWith(token, proof, request)));
    expect(verdictOf(await guard.check(requestWith(token, proof, request)))).toBe('replayed_proof');
    clock.advance(66);
    expect(verdictOf(await guard.check(requestWith(token, proof, request)))).toBe('invalid_proof');
    await guard.close();
  });
});

test.each(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'PS256', 'PS384', 'PS512'] as const)(
  'rule 82: accepts proofs with %s, also the next one, with a key that is known',
  async (algorithm) => {
    const scene = await createScene();
    const client = await createDpopClient({ algorithm, clock: scene.clock });
    const token = await scene.issuer.issueToken({ claims: client.claims });
    for (let times = 0; times < 3; times++) expectAllowed(await scene.guard.check(requestWith(token, client.createProof({ url: URL_OF_REQUEST }, token))));
  },
);

test('rule 168: null members of a proof, of its header and of its jwk count as absent', async () => {
  const { guard, clock, issuer } = await createScene();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const client = await createDpopClient({ privateKey, clock });
  const token = await issuer.issueToken({ claims: client.claims });
  const jwk = { ...publicKey.export({ format: 'jwk' }), alg: null, use: null, kid: null, key_ops: null, n: null, e: null, d: null, k: null };
  const proof = client.createProof({ url: URL_OF_REQUEST, header: { jwk, kid: null, cty: null }, claims: { nonce: null } }, token);
  expectAllowed(await guard.check(requestWith(token, proof)));
});

describe('rule 87: a bound token is accepted with a proof alone', () => {
  test('and its scope decides, with the challenge of its scheme first', async () => {
    const { send } = await createDpopScene();
    expectAllowed(await send({}, {}, { policy: scope('orders:read') }));
    const refused = await send({}, {}, { policy: scope('orders:write') });
    expect(refused).toMatchObject({ reason: 'insufficient_scope', status: 403 });
    expect(refused.headers['www-authenticate']).toEqual([
      expect.stringMatching(/^DPoP .*error="insufficient_scope".*scope="orders:write"/),
      'Bearer realm="api"',
    ]);
  });

  test('rule 80: no DPoP header', async () => {
    const { guard, token } = await createDpopScene();
    for (const dpop of [undefined, []]) {
      const refused = await guard.check(requestWith(token, dpop));
      expect(refused).toMatchObject({ reason: 'missing_proof', status: 401, body: { error: 'invalid_dpop_proof' } });
      expect(refused.headers['www-authenticate']).toEqual([expect.stringMatching(/^DPoP .*error="invalid_dpop_proof"/), 'Bearer realm="api"']);
      expect(verdictOf(await guard.check(requestWith(token, dpop), { credentials: 'optional' }))).toBe('missing_proof');
    }
  });

  test('rule 88: by the scheme Bearer it is refused, with and without a proof', async () => {
    const { guard, token, client } = await createDpopScene();
    for (const dpop of [undefined, client.createProof({ url: URL_OF_REQUEST }, token)]) {
      const refused = await guard.check({ ...requestWith(token, dpop), headers: { authorization: `Bearer ${token}`, dpop } });
      expect(refused).toMatchObject({ reason: 'bound_token_as_bearer', status: 401, body: { error: 'invalid_token' } });
      expect(refused.headers['www-authenticate']).toEqual([
        expect.stringMatching(/^Bearer .*error="invalid_token"/),
        expect.stringMatching(/^DPoP realm="api", algs=/),
      ]);
    }
  });

  test('an unbound token by the scheme DPoP is refused, and one by Bearer beside a DPoP header is a bad request', async () => {
    const { guard, issuer, client } = await createDpopScene();
    const token = await issuer.issueToken();
    const dpop = client.createProof({ url: URL_OF_REQUEST }, token);
    const byDpop = await guard.check(requestWith(token, dpop));
    expect(byDpop).toMatchObject({ reason: 'unbound_token', status: 401, body: { error: 'invalid_token' } });
    expect(byDpop.headers['www-authenticate']).toEqual([expect.stringMatching(/^DPoP .*error="invalid_token"/), 'Bearer realm="api"']);
    for (const field of [dpop, '', 'x', [dpop, dpop]]) {
      const byBearer = await guard.check({ ...requestWith(token, field), headers: { authorization: `Bearer ${token}`, dpop: field } });
      expect(byBearer).toMatchObject({ reason: 'bearer_with_proof', status: 400, body: { error: 'invalid_request' } });
      expect(byBearer.headers['www-authenticate']).toEqual([
        expect.stringMatching(/^Bearer .*error="invalid_request"/),
        expect.stringMatching(/^DPoP realm="api", algs=/),
      ]);
    }
  });

  test('a bad token by the scheme DPoP is told so on the DPoP challenge, and its proof is not read', async () => {
    const { guard, token } = await createDpopScene();
    const refused = await guard.check(requestWith(`${token.slice(0, -4)}AAAA`, 'no proof at all'));
    expect(refused).toMatchObject({ reason: 'bad_signature' });
    expect(refused.headers['www-authenticate']).toEqual([expect.stringMatching(/^DPoP .*error="invalid_token"/), 'Bearer realm="api"']);
  });

  test('rule 88: a token that is bound to a certificate too needs both', async () => {
    const { guard, issuer, client } = await createDpopScene();
    const raw = randomBytes(64);
    const token = await issuer.issueToken({ claims: { cnf: { ...client.claims.cnf, 'x5t#S256': createHash('sha256').update(raw).digest('base64url') } } });
    const clientCertificate = () => ({ raw, authorized: true });
    const proof = () => client.createProof({ url: URL_OF_REQUEST }, token);
    expect(verdictOf(await guard.check(requestWith(token, proof())))).toBe('missing_certificate');
    expect(verdictOf(await guard.check(requestWith(token, undefined, { clientCertificate })))).toBe('missing_proof');
    expectAllowed(await guard.check(requestWith(token, proof(), { clientCertificate })));
    // a certificate that fails must not spend the proof
    const unspent = proof();
    expect(verdictOf(await guard.check(requestWith(token, unspent)))).toBe('missing_certificate');
    expectAllowed(await guard.check(requestWith(token, unspent, { clientCertificate })));
  });
});

describe('refuses a proof of another form', () => {
  const symmetric = { alg: 'HS256', jwk: { kty: 'oct', k: base64url(randomBytes(32)) } };
  const privateJwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const ofCurve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });

  type Row = readonly [name: string, proof: Partial<ProvenRequest> | ((proof: string) => string | readonly string[]), cause: RegExp];

  async function expectRefused(proof: Row[1], cause: RegExp): Promise<void> {
    const { send, client, token } = await createDpopScene();
    expectProofRefused(await send(typeof proof === 'function' ? proof(client.createProof({ url: URL_OF_REQUEST }, token)) : proof), cause);
  }

  test.each<Row>([
    ['an empty header', () => '', /header is empty/],
    ['two headers', (proof) => [proof, proof], /two DPoP headers/],
    ['two proofs with a comma between them', (proof) => `${proof}, ${proof}`, /two DPoP headers/],
    ['a proof and a comma', (proof) => `${proof},`, /two DPoP headers/],
  ])('rule 80: %s', (_name, proof, cause) => expectRefused(proof, cause));

  test.each<Row>([
    ['a huge proof', (proof) => proof + 'A'.repeat(8192), /longer than 8192/],
    ['a proof with a huge claim', { claims: { more: 'A'.repeat(8192) } }, /longer than 8192/],
    ['no JWS', () => 'no-proof', /not a compact JWS/],
    ['two segments', (proof) => proof.slice(0, proof.lastIndexOf('.')), /not a compact JWS/],
    ['four segments', (proof) => `${proof}.AAAA`, /not a compact JWS/],
    ['padding', (proof) => `${proof}=`, /not a compact JWS/],
    ['white space', (proof) => ` ${proof}`, /not a compact JWS/],
    [
      'spare bits in the signature',
      (proof) => `${proof.slice(0, -1)}${proof.endsWith('A') ? 'B' : String.fromCharCode(proof.charCodeAt(proof.length - 1) + 1)}`,
      /not a compact JWS|signature is wrong/,
    ],
    ['an encrypted one', () => 'eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA', /not a compact JWS/],
    ['crit', { header: { crit: ['exp'], exp: 1 } }, /requires an extension/],
    ['b64', { header: { b64: false } }, /requires an extension/],
    ['no typ', { header: { typ: undefined } }, /typ is not dpop\+jwt/],
    ['typ JWT', { header: { typ: 'JWT' } }, /typ is not dpop\+jwt/],
    ['typ at+jwt', { header: { typ: 'at+jwt' } }, /typ is not dpop\+jwt/],
    ['typ in another case', { header: { typ: 'DPoP+JWT' } }, /typ is not dpop\+jwt/],
    ['a jti that is missing', { claims: { jti: undefined } }, /jti is missing/],
    ['a jti that is empty', { claims: { jti: '' } }, /jti is missing/],
    ['a jti that is a number', { claims: { jti: 7 } }, /jti is missing/],
    ['an htm that is missing', { claims: { htm: undefined } }, /htm is missing/],
    ['an htu that is missing', { claims: { htu: undefined } }, /htu is missing/],
    ['an htu that is a list', { claims: { htu: [URL_OF_REQUEST] } }, /htu is missing/],
    ['an iat that is missing', { claims: { iat: undefined } }, /iat is missing/],
    ['an iat that is text', { claims: { iat: '1700000000' } }, /iat is missing/],
    ['an iat in milliseconds', { claims: { iat: Date.now() } }, /iat is (?:missing|in the future)/],
    ['an ath that is missing', { claims: { ath: undefined } }, /ath is missing/],
    ['a nonce that is a number', { claims: { nonce: 7 } }, /nonce is not a string/],
  ])('rule 81: %s', (_name, proof, cause) => expectRefused(proof, cause));

  test.each<Row>([
    ['alg none', { header: { alg: 'none' } }, /alg is not allowed/],
    ['a symmetric alg', { header: { alg: 'HS256' } }, /alg is not allowed/],
    ['a symmetric alg and key', { header: symmetric }, /alg is not allowed/],
    ['an alg that is off', { header: { alg: 'RS384' } }, /alg is not allowed/],
    ['an unknown alg', { header: { alg: 'ES256K' } }, /alg is not allowed/],
    ['no jwk', { header: { jwk: undefined } }, /jwk is missing/],
    ['a jwk that is text', { header: { jwk: 'key' } }, /jwk is not an object/],
    ['a jwk that is a list', { header: { jwk: [] } }, /jwk is not an object/],
    ['a jwk that is null', { header: { jwk: null } }, /jwk is not an object/],
    ['a symmetric key', { header: { jwk: symmetric.jwk } }, /jwk is a symmetric key/],
    ['a private key', { header: { jwk: privateJwk } }, /jwk contains a private key/],
    ['a private part that is blank', { header: { jwk: { ...ofCurve('P-256'), d: '' } } }, /jwk contains a private key/],
    ['a key for another alg', { header: { jwk: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) } }, /jwk does not fit the alg/],
    ['another curve', { header: { jwk: ofCurve('P-384') } }, /jwk does not fit the alg/],
    ['an odd curve', { header: { jwk: ofCurve('secp256k1') } }, /jwk does not fit the alg/],
    ['a key for encryption', { header: { jwk: { ...ofCurve('P-256'), use: 'enc' } } }, /jwk is not for signatures/],
    ['a key that names another alg', { header: { jwk: { ...ofCurve('P-256'), alg: 'ES384' } } }, /jwk is for another alg/],
    ['a coordinate that is missing', { header: { jwk: { ...ofCurve('P-256'), y: undefined } } }, /jwk has a member that is missing/],
    ['a coordinate that is too short', { header: { jwk: { ...ofCurve('P-256'), x: 'AAAA' } } }, /jwk has a member that is missing or malformed/],
  ])('rule 82: %s', (_name, proof, cause) => expectRefused(proof, cause));

  test('rule 81: a duplicated member, in the header and in the payload', async () => {
    const { client, clock } = await createDpopScene();
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const own = await createDpopClient({ privateKey, clock });
    const { issuer, guard } = await createScene({ clock });
    const token = await issuer.issueToken({ claims: own.claims });
    const [header64, payload64] = own.createProof({ url: URL_OF_REQUEST }, token).split('.') as [string, string];
    const twice = (part: string, member: string) => base64url(Buffer.from(part, 'base64url').toString().replace('{', `{${member},`));
    const sign = (header: string, payload: string) => compactJws(header, payload, (bytes) => signBytes('ES256', privateKey, bytes));
    expectProofRefused(await guard.check(requestWith(token, sign(twice(header64, '"typ":"dpop+jwt"'), payload64))), /not a compact JWS/);
    expectProofRefused(await guard.check(requestWith(token, sign(header64, twice(payload64, '"htm":"GET"')))), /not a strict JSON object/);
    expectAllowed(await guard.check(requestWith(token, sign(header64, payload64))));
    expect(publicKey.asymmetricKeyType).toBe('ec');
    expect(client.thumbprint).not.toBe(own.thumbprint);
  });

  test.each([['a weak RSA key', () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, /RSA key of 1024 bits/]])(
    'rule 82: %s, though the token is bound to it',
    async (_name, make, cause) => {
      const scene = await createScene();
      const client = await createDpopClient({ algorithm: 'RS256', privateKey: make(), clock: scene.clock });
      const token = await scene.issuer.issueToken({ claims: client.claims });
      expectProofRefused(await scene.guard.check(requestWith(token, client.createProof({ url: URL_OF_REQUEST }, token))), cause);
    },
  );

  test('rule 82: a point that is not on the curve, though the token is bound to it', async () => {
    const { guard, issuer, client } = await createDpopScene();
    const jwk = { crv: 'P-256', kty: 'EC', x: base64url(randomBytes(32)), y: base64url(randomBytes(32)) };
    const jkt = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
    const token = await issuer.issueToken({ claims: { cnf: { jkt } } });
    expectProofRefused(
      await guard.check(requestWith(token, client.createProof({ url: URL_OF_REQUEST, header: { jwk } }, token))),
      'its jwk cannot be imported',
    );
  });
});

describe('rule 83: htm is the method of the request, with case', () => {
  test.each([
    ['POST', 'GET'],
    ['GET', 'POST'],
    ['GET', 'get'],
    ['HEAD', 'GET'],
    ['GET', 'HEAD'],
    ['GET', 'GET '],
  ])('the request is %s, and htm is %s', async (method, htm) => {
    const { send } = await createDpopScene();
    const refused = expectProofRefused(await send({ method: htm }, { method }), 'its htm is not the method of this request');
    expect(refused.explain()).toMatchObject({ expected: `"${method}"`, found: `"${htm}"` });
  });

  test('HEAD with htm HEAD', async () => {
    const { send } = await createDpopScene();
    expectAllowed(await send({ method: 'HEAD' }, { method: 'HEAD' }));
  });
});

describe('rule 84: htu is the URI that the client addressed', () => {
  test.each<[string, Partial<ProtectedRequest>, GuardOptions?]>([
    [`${ORIGIN}/orders?a=1#b`, {}],
    [URL_OF_REQUEST, { target: '/orders?a=1' }],
    ['HTTPS://API.Example.TEST:443/orders', {}],
    [`${ORIGIN}/a/../orders`, {}],
    [`${ORIGIN}/%6Frders`, {}],
    [`${ORIGIN}/shops/7/orders`, { target: '/shops/7/orders', path: '/orders' }],
    [URL_OF_REQUEST, { origin: 'http://10.0.0.7:3000' }, { publicOrigin: ORIGIN }],
    [URL_OF_REQUEST, { origin: undefined }, { publicOrigin: ORIGIN }],
  ])('accepts %s for %j', async (htu, more, options) => {
    const { send } = await createDpopScene(options);
    expectAllowed(await send({ claims: { htu } }, more));
  });

  test.each<[string, Partial<ProtectedRequest>, GuardOptions?]>([
    ['http://api.example.test/orders', {}],
    ['https://api.example.test:8443/orders', {}],
    ['https://evil.example.test/orders', {}],
    [`${ORIGIN}/`, {}],
    [`${ORIGIN}/Orders`, {}],
    [`${ORIGIN}/orders/`, {}],
    [`${ORIGIN}//orders`, {}],
    [`${ORIGIN}/orders%2F`, {}],
    [`${ORIGIN}/orders`, { target: '/shops/orders', path: '/orders' }],
    ['http://10.0.0.7:3000/orders', { origin: 'http://10.0.0.7:3000' }, { publicOrigin: ORIGIN }],
  ])('refuses %s for %j', async (htu, more, options) => {
    const { send } = await createDpopScene(options);
    const refused = expectProofRefused(await send({ claims: { htu } }, more), 'its htu is not the URI of this request');
    expect(refused.explain().remedy).toContain('publicOrigin');
  });

  test.each(['/orders', 'api.example.test/orders', 'ftp://api.example.test/orders', 'https:api.example.test/orders', 'https://user@api.example.test/orders'])(
    'refuses %s, which is no URI of HTTP',
    async (htu) => {
      const { send } = await createDpopScene();
      expectProofRefused(await send({ claims: { htu } }), 'its htu is not an http or https URI');
    },
  );

  test('rule 85: refuses every proof if the origin is not known, and says which option to set', async () => {
    const { send } = await createDpopScene();
    const refused = expectProofRefused(await send({}, { origin: undefined }), /the origin of this API is not known/);
    expect(refused.explain().remedy).toContain('publicOrigin');
  });

  test('rule 142: shows neither a token in htu nor what it has behind its path', async () => {
    const { send, token } = await createDpopScene();
    const explained = expectProofRefused(await send({ claims: { htu: `https://evil.test/${token}?access_token=${token}` } }), /htu is not the URI/).explain();
    expect(JSON.stringify(explained)).not.toContain(token.slice(0, 20));
  });
});

describe('rule 86: iat is within the window, to the second', () => {
  test.each([
    [-65, true],
    [-66, false],
    [5, true],
    [6, false],
  ])('by default, %s s from now: accepted: %s', async (seconds, isAccepted) => {
    const { send, clock } = await createDpopScene();
    const iat = Math.floor(clock.now() / 1000);
    clock.set((iat + 1) * 1000);
    const decision = await send({ claims: { iat: iat + 1 + seconds } });
    if (isAccepted) expectAllowed(decision);
    else expectProofRefused(decision, seconds < 0 ? 'its iat is too long ago' : 'its iat is in the future');
  });

  test('by options, and the explanation shows both dates', async () => {
    const scene = await createDpopScene({ dpop: { maxProofAgeSeconds: 10, clockSkewSeconds: 0 } });
    scene.clock.set(Math.ceil(scene.clock.now() / 1000) * 1000);
    const iat = scene.clock.now() / 1000;
    expectAllowed(await scene.send({ claims: { iat: iat - 10 } }));
    const refused = expectProofRefused(await scene.send({ claims: { iat: iat - 11 } }), 'its iat is too long ago');
    expect(refused.explain()).toMatchObject({
      expected: `"${new Date((iat - 10) * 1000).toISOString()} or later"`,
      found: `"${new Date((iat - 11) * 1000).toISOString()}"`,
    });
    expectProofRefused(await scene.send({ claims: { iat: iat + 0.5 } }), 'its iat is in the future');
  });
});

describe('rule 87: the proof is for this token and by the key to which it is bound', () => {
  test('ath of another token, and in another form', async () => {
    const { send, client, issuer, token } = await createDpopScene();
    const other = await issuer.issueToken({ claims: client.claims });
    expectProofRefused(await send(client.createProof({ url: URL_OF_REQUEST }, other)), 'its ath is not the hash of the access token');
    const hex = createHash('sha256').update(token).digest('hex');
    for (const ath of [hex, `${createHash('sha256').update(token).digest('base64url')}=`, token])
      expectProofRefused(await send({ claims: { ath } }), 'its ath is not the hash of the access token');
  });

  test('another key, and the right key with the signature of another', async () => {
    const { send, client, token, clock } = await createDpopScene();
    const thief = await createDpopClient({ clock });
    expectProofRefused(await send(thief.createProof({ url: URL_OF_REQUEST }, token)), 'its key is not the one to which the token is bound');
    const forged = thief.createProof({ url: URL_OF_REQUEST, header: { jwk: client.publicJwk } }, token);
    expectProofRefused(await send(forged), 'its signature is wrong');
    expectAllowed(await send());
    // the key is known now
    expectProofRefused(await send(forged), 'its signature is wrong');
  });
});

describe('rule 89: a proof is accepted once', () => {
  test('and another one with the same jti is refused, but not one by another key', async () => {
    const { send, guard, issuer, clock } = await createDpopScene();
    const claims = { jti: 'one' };
    expectAllowed(await send({ claims }));
    const refused = await send({ claims });
    expect(refused).toMatchObject({ reason: 'replayed_proof', status: 401, body: { error: 'invalid_dpop_proof' } });
    expect(refused.headers['www-authenticate']).toEqual([expect.stringMatching(/^DPoP .*error="invalid_dpop_proof"/), 'Bearer realm="api"']);
    const other = await createDpopClient({ clock });
    const token = await issuer.issueToken({ claims: other.claims });
    expectAllowed(await guard.check(requestWith(token, other.createProof({ url: URL_OF_REQUEST, claims }, token))));
  });

  test('for as long as its iat is accepted', async () => {
    const { send, clock, client, token } = await createDpopScene();
    clock.set(Math.ceil(clock.now() / 1000) * 1000);
    const proof = client.createProof({ url: URL_OF_REQUEST, claims: { iat: clock.now() / 1000 + 5 } }, token);
    expectAllowed(await send(proof));
    for (let second = 0; second < 80; second++) {
      clock.advance(1);
      expect(['replayed_proof', 'invalid_proof']).toContain(verdictOf(await send(proof)));
    }
  });

  test('a long jti is hashed, so the name in the store is short', async () => {
    const add = vi.fn((_name: string, _ttlSeconds: number): ReplayAnswer => true);
    const { send } = await createDpopScene({ dpop: { replays: { add } } });
    for (const jti of ['x', 'x'.repeat(4000)]) expectAllowed(await send({ claims: { jti } }));
    expect(add.mock.calls.map(([name, ttlSeconds]) => [name.length, ttlSeconds])).toEqual([
      [45, 76],
      [43, 76],
    ]);
  });

  test.each<[string, ReplayStore['add'], RegExp]>([
    ['is full', () => 'full', /full/],
    ['has no room for the sender', () => 'owner-full', /the subject of the token has used its share/],
    ['is full later', async (): Promise<ReplayAnswer> => 'full', /full/],
    [
      'throws',
      () => {
        throw new TypeError('secret');
      },
      /threw TypeError$/,
    ],
    ['rejects', () => Promise.reject(new TypeError('secret')), /threw TypeError$/],
    ['answers undefined', () => undefined as never, /neither true, false nor "full"/],
    ['answers 1 later', async () => 1 as never, /neither true, false nor "full"/],
  ])('a store that %s refuses with 503', async (_name, add, cause) => {
    const { send } = await createDpopScene({ dpop: { replays: { add } } });
    const refused = await send();
    expect(refused).toMatchObject({
      outcome: 'deny',
      status: 503,
      reason: 'replays_unavailable',
      headers: { 'retry-after': '1' },
      cause: expect.stringMatching(cause),
    });
    expect(verdictOf(await send({}, {}, { credentials: 'optional' }))).toBe('replays_unavailable');
  });

  test('a store that never answers refuses after 5 seconds', async () => {
    const { send, guard } = await createDpopScene({ dpop: { replays: { add: () => new Promise<never>(() => {}) } } });
    await guard.warm();
    vi.useFakeTimers();
    try {
      const pending = send();
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await pending).toMatchObject({ reason: 'replays_unavailable', cause: 'the store did not answer within 5 s' });
    } finally {
      vi.useRealTimers();
    }
  });

  test('the memory of this process refuses with 503 when it is full, and forgets what has expired', async () => {
    const { send, clock } = await createDpopScene({ dpop: { maxReplays: 4 } });
    expectAllowed(await send());
    expectAllowed(await send());
    expect(verdictOf(await send())).toBe('replays_unavailable');
    clock.advance(77);
    expectAllowed(await send());
  });

  test('rule 208: whoever fills the memory is refused, with each key, token and client, and the others are not', async () => {
    const { issuer, clock, guard } = await createScene({ dpop: { maxReplays: 8 } });
    const senderOf = async (wanted: TokenOptions) => {
      const client = await createDpopClient({ clock });
      const token = await issuer.issueToken({ ...wanted, claims: { ...wanted.claims, ...client.claims } });
      return async () => guard.check(requestWith(token, client.createProof({ url: URL_OF_REQUEST }, token)));
    };
    const flooder = await senderOf({ subject: 'mallory' });
    for (let count = 0; count < 4; count++) expectAllowed(await flooder());
    for (const send of [flooder, await senderOf({ subject: 'mallory', claims: { client_id: 'another' } })])
      expect(await send()).toMatchObject({
        status: 503,
        reason: 'replays_unavailable',
        cause: 'the subject of the token has used its share of the store',
        headers: { 'retry-after': '1' },
      });
    const other = await senderOf({ subject: 'alice' });
    for (let count = 0; count < 2; count++) expectAllowed(await other());
    clock.advance(77);
    expectAllowed(await (await senderOf({ subject: 'mallory' }))());
  });

  test.each([
    ['the client, if the token names no subject', [{ sub: undefined }, { sub: undefined }], true],
    [
      'the key, if it names neither',
      [
        { sub: undefined, client_id: undefined },
        { sub: undefined, client_id: undefined },
      ],
      false,
    ],
    ['the subject, whose name may be that of a client', [{ sub: 'x' }, { sub: undefined, client_id: 'x' }], false],
  ])('rule 208: proofs count for %s', async (_name, tokens, isSame) => {
    const owners: unknown[] = [];
    const add = (...[, , owner]: Parameters<ReplayStore['add']>): ReplayAnswer => owners.push(owner) > 0;
    const clock = createTestClock();
    for (const members of tokens) {
      const client = await createDpopClient({ clock });
      const { url } = await startEndpoint(() => activeAnswer(clock, { token_type: 'DPoP', ...client.claims, ...members }));
      const introspection = { endpoint: url, clientId: 'api', clientSecret: 'secret-of-the-api' };
      const guard = createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, introspection, clock, dpop: { replays: { add } } });
      expectAllowed(await guard.check(requestWith('opaque', client.createProof({ url: URL_OF_REQUEST }, 'opaque'))));
    }
    expect(owners).toEqual([expect.stringMatching(/^[\w-]{43}$/), isSame ? owners[0] : expect.not.stringMatching(owners[0] as string)]);
  });

  test('a store that answers later', async () => {
    const memory = memoryReplays({ monotonic: () => 0, now: () => 0 });
    const { send, client, token } = await createDpopScene({ dpop: { replays: { add: async (name, ttlSeconds) => memory.add(name, ttlSeconds) } } });
    const proof = client.createProof({ url: URL_OF_REQUEST }, token);
    const both = await Promise.all([send(proof), send(proof)]);
    expect(both.map(verdictOf).sort()).toEqual(['allow', 'replayed_proof']);
  });

  test('rule 91: a flood of bad proofs writes nothing to the store, and imports no key of strangers', async () => {
    const add = vi.fn((): ReplayAnswer => true);
    const { send, client, token, clock } = await createDpopScene({ dpop: { replays: { add } } });
    const thief = await createDpopClient({ clock });
    const forged = thief.createProof({ url: URL_OF_REQUEST, header: { jwk: client.publicJwk } }, token);
    for (let times = 0; times < 200; times++) {
      await send(thief.createProof({ url: URL_OF_REQUEST }, token));
      await send(forged);
      await send({ claims: { iat: 1 } });
      await send({ method: 'POST' });
    }
    expect(add).not.toHaveBeenCalled();
    expectAllowed(await send());
    expect(add).toHaveBeenCalledTimes(1);
  });

  describe('but one request may be checked several times', () => {
    function views(dpop: string, token: string): [ProtectedRequest, ProtectedRequest, ProtectedRequest] {
      const heldBy = {};
      const { headers, ...request } = requestWith(token, dpop);
      return [
        { ...request, headers, heldBy },
        { ...request, headers, heldBy },
        { ...request, headers: { ...headers }, heldBy },
      ];
    }

    test.each([
      ['at once', (memory: ReplayStore): ReplayStore => memory],
      ['later', (memory: ReplayStore): ReplayStore => ({ add: async (name, ttlSeconds) => memory.add(name, ttlSeconds) })],
    ])('by one guard, by two guards with one store, and by guards with stores of their own, which answer %s', async (_when, storeOf) => {
      const { client, issuer, clock, token } = await createDpopScene();
      const replays = storeOf(memoryReplays(clock));
      const settings = { issuer: issuer.issuer, audience: issuer.audience, clock };
      const guards = [
        createResourceGuard({ ...settings, dpop: { replays } }),
        createResourceGuard({ ...settings, dpop: { replays } }),
        createResourceGuard(settings),
      ];
      const [request, same, next] = views(client.createProof({ url: URL_OF_REQUEST }, token), token);
      for (const guard of guards) {
        expectAllowed(await guard.check(request));
        expectAllowed(await guard.check(request));
        expectAllowed(await guard.check(same));
      }
      const pending = guards.map(async (guard) => guard.check({ ...same }));
      for (const decision of await Promise.all(pending)) expectAllowed(decision);
      // another request of the same connection
      for (const guard of guards) expect(verdictOf(await guard.check(next))).toBe('replayed_proof');
      // time passes while the request is answered
      clock.advance(120);
      for (const guard of guards) expectAllowed(await guard.check({ ...same }));
      await Promise.all(guards.map((guard) => guard.close()));
    });

    test('another token with the proof of the same request does not count', async () => {
      const { client, guard, issuer, token } = await createDpopScene();
      const dpop = client.createProof({ url: URL_OF_REQUEST }, token);
      const heldBy = {};
      const headers: Record<string, string> = { authorization: `DPoP ${token}`, dpop };
      expectAllowed(await guard.check({ ...requestWith(token, dpop), headers, heldBy }));
      headers['authorization'] = `DPoP ${await issuer.issueToken({ claims: client.claims })}`;
      expectProofRefused(await guard.check({ ...requestWith(token, dpop), headers, heldBy }), 'its ath is not the hash of the access token');
    });

    test('rule 61: an outage of the store is asked about again', async () => {
      let answer: ReplayAnswer = 'full';
      const { client, guard, token } = await createDpopScene({ dpop: { replays: { add: () => answer } } });
      const [request, same] = views(client.createProof({ url: URL_OF_REQUEST }, token), token);
      expect(verdictOf(await guard.check(request))).toBe('replays_unavailable');
      answer = true;
      expectAllowed(await guard.check(request));
      expectAllowed(await guard.check(same));
    });
  });
});

describe('rule 90: nonces', () => {
  const nonceSecret = 'a secret of the whole fleet, with 32 bytes or more';

  async function createNonceScene(dpop: object = {}, options: GuardOptions = {}) {
    const scene = await createDpopScene({ dpop: { nonceSecret, nonceLifetimeSeconds: 100, ...dpop }, ...options });
    // the beginning of a period
    scene.clock.set(Math.ceil(scene.clock.now() / 100_000) * 100_000);
    const token = await scene.issuer.issueToken({ scopes: ['orders:read'], lifetimeSeconds: 3600, claims: scene.client.claims });
    const send = async (proof: Partial<ProvenRequest> = {}, requirements: RouteRequirements = {}, more: Partial<ProtectedRequest> = {}) =>
      scene.guard.check(requestWith(token, scene.client.createProof({ url: URL_OF_REQUEST, ...proof }, token), more), requirements);
    return { ...scene, send };
  }

  test('are not needed by default', async () => {
    const { send } = await createDpopScene();
    for (const nonce of [undefined, 'any']) {
      const { headers } = expectAllowed(await send({ claims: { nonce } }));
      expect(headers).toEqual({});
    }
  });

  test('a proof without one, or with another, gets the nonce of this period, and is not spent', async () => {
    const { send } = await createNonceScene();
    const seen = new Set<unknown>();
    for (const nonce of [undefined, '', 'x'.repeat(22)]) {
      const refused = await send({ claims: { nonce, jti: 'same' } });
      expect(refused).toMatchObject({ status: 401, reason: 'nonce_required', body: { error: 'use_dpop_nonce' } });
      expect(refused.headers).toMatchObject({
        'cache-control': 'no-store',
        'www-authenticate': [expect.stringMatching(/^DPoP realm="api", error="use_dpop_nonce", .*algs="/), 'Bearer realm="api"'],
      });
      expect(Object.isFrozen(refused.headers)).toBe(true);
      seen.add(refused.headers['dpop-nonce']);
    }
    expect(seen.size).toBe(1);
    const [nonce] = seen as Set<string>;
    expect(expectAllowed(await send({ claims: { nonce, jti: 'same' } })).headers).toEqual({});
    expect(verdictOf(await send({ claims: { nonce, jti: 'same' } }))).toBe('replayed_proof');
  });

  test('one of the last period is accepted, and every answer brings the next', async () => {
    const { send, clock } = await createNonceScene();
    const nonce = String((await send()).headers['dpop-nonce']);
    clock.advance(100);
    const { headers } = expectAllowed(await send({ nonce }));
    const next = String(headers['dpop-nonce']);
    expect(headers).toEqual({ 'cache-control': 'no-store', 'dpop-nonce': next });
    expect(next).not.toBe(nonce);
    const refused = await send({ nonce }, { policy: scope('orders:write') });
    expect(refused).toMatchObject({ reason: 'insufficient_scope', headers: { 'dpop-nonce': next } });
    expect(refused.headers['www-authenticate']).toHaveLength(2);
    expect(expectAllowed(await send({ nonce: next })).headers).toEqual({});
    clock.advance(100);
    expect(verdictOf(await send({ nonce }))).toBe('nonce_required');
  });

  test('rule 91: nobody gets a nonce without a proof that holds otherwise', async () => {
    const { send, client } = await createNonceScene();
    const thief = await createDpopClient();
    for (const wrong of [{ method: 'POST' }, { claims: { iat: 1 } }, { header: { jwk: thief.publicJwk } }]) {
      const refused = await send(wrong);
      expect(refused).toMatchObject({ reason: 'invalid_proof' });
      expect(refused.headers).not.toHaveProperty('dpop-nonce');
    }
    expect(client.thumbprint).not.toBe(thief.thumbprint);
  });

  test('a nonce does not widen the window of iat', async () => {
    const { send, clock } = await createNonceScene();
    const nonce = String((await send()).headers['dpop-nonce']);
    expect(verdictOf(await send({ nonce, claims: { iat: clock.now() / 1000 - 70 } }))).toBe('invalid_proof');
  });

  test('every process with the secret accepts them, and a new secret takes over without refusals', async () => {
    const { send, issuer, clock, client } = await createNonceScene();
    const nonce = String((await send()).headers['dpop-nonce']);
    const token = await issuer.issueToken({ claims: client.claims });
    const statesOf = async (secret: GuardOptions['dpop'] & object) => {
      const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, clock, dpop: { nonceLifetimeSeconds: 100, ...secret } });
      const decision = await guard.check(requestWith(token, client.createProof({ url: URL_OF_REQUEST, nonce }, token)));
      await guard.close();
      return [verdictOf(decision), typeof decision.headers['dpop-nonce']];
    };
    expect(await statesOf({ nonceSecret: Buffer.from(nonceSecret) })).toEqual(['allow', 'undefined']);
    expect(await statesOf({ nonceSecret: ['another secret of the fleet, with 32 bytes', nonceSecret] })).toEqual(['allow', 'string']);
    expect(await statesOf({ nonceSecret: 'another secret of the fleet, with 32 bytes' })).toEqual(['nonce_required', 'string']);
  });

  test.each<[unknown, RegExp]>([
    ['short', /dpop\.nonceSecret: must have at least 32 bytes \(got 5\)/],
    [Buffer.alloc(31), /must have at least 32 bytes \(got 31\)/],
    [[], /must be a secret, or a list of 1 to 10 \(got 0\)/],
    [[nonceSecret, 'short'], /must have at least 32 bytes \(got 5\)/],
    // eslint-disable-next-line no-sparse-arrays -- a hole is no secret
    [[nonceSecret, ,], /must be text or bytes \(got undefined\)/],
    [{}, /must be text or bytes/],
    [7, /must be text or bytes/],
    [null, /must be text or bytes/],
    [undefined, /dpop\.nonceSecret: is undefined\. Set it/],
  ])('the option reports %j, and shows no secret', (secret, message) => {
    const error = configurationErrorOf(() => createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, dpop: { nonceSecret: secret as string } }));
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain('fleet');
  });
});

describe('options', () => {
  test('rule 109: dpop: false turns it off: the scheme is unsupported, has no challenge, and its tokens are refused', async () => {
    const { guard, token, issuer, client } = await createDpopScene({ dpop: false });
    const refused = await guard.check(requestWith(token, client.createProof({ url: URL_OF_REQUEST }, token)));
    expect(refused).toMatchObject({ reason: 'unsupported_scheme', status: 401, headers: { 'www-authenticate': 'Bearer realm="api"' } });
    expect(verdictOf(await guard.check({ ...requestWith(token, undefined), headers: { authorization: `Bearer ${token}` } }))).toBe('unproven_confirmation');
    expect(guard.health().tokenCache?.entries).toBe(0);
    const plain = await issuer.issueToken();
    expectAllowed(await guard.check({ ...requestWith(plain, undefined), headers: { authorization: `Bearer ${plain}`, dpop: 'x' } }));
  });

  test('senderConstraint: "dpop" accepts nothing else, and offers nothing else', async () => {
    const { guard, send, issuer } = await createDpopScene({ senderConstraint: 'dpop' });
    expectAllowed(await send());
    const plain = await issuer.issueToken();
    const refused = await guard.check({ ...requestWith(plain, undefined), headers: { authorization: `Bearer ${plain}` } });
    expect(refused).toMatchObject({ reason: 'unbound_token', status: 401, body: { error: 'invalid_token' } });
    expect(refused.headers['www-authenticate']).toMatch(/^DPoP realm="api", error="invalid_token", .*algs="/);
    const nobody = await guard.check({ ...requestWith(plain, undefined), headers: {} }, { policy: scope('a') });
    expect(nobody.headers['www-authenticate']).toMatch(/^DPoP realm="api", scope="a", algs="/);
  });

  test('algorithms decides which proofs are accepted, and the challenge names them', async () => {
    const { send } = await createDpopScene({ dpop: { algorithms: ['RS256'] } });
    const refused = await send();
    expect(refused).toMatchObject({ reason: 'invalid_proof', cause: 'its alg is not allowed here' });
    expect(refused.headers['www-authenticate']).toEqual([expect.stringMatching(/algs="RS256"$/), 'Bearer realm="api"']);
  });

  test.each<[GuardOptions, RegExp]>([
    [{ dpop: true as never }, /dpop: must be an object/],
    [{ dpop: { algorithms: [] } }, /dpop\.algorithms: must be a list of one or more/],
    [{ dpop: { algorithms: ['HS256' as never] } }, /dpop\.algorithms: must list algorithms with key pairs/],
    [{ dpop: { algorithms: ['none' as never] } }, /dpop\.algorithms: must list algorithms with key pairs/],
    [{ dpop: { maxProofAgeSeconds: 0 } }, /dpop\.maxProofAgeSeconds: must be a number from 1 to 3600/],
    [{ dpop: { clockSkewSeconds: 301 } }, /dpop\.clockSkewSeconds: must be a number from 0 to 300/],
    [{ dpop: { replays: {} as never } }, /dpop\.replays: must be a ReplayStore/],
    [{ dpop: { maxReplays: 0 } }, /dpop\.maxReplays: must be a whole number/],
    [{ dpop: { maxReplays: 5, replays: { add: () => true } } }, /dpop: has both replays and maxReplays/],
    [{ dpop: { maxAge: 5 } as never }, /dpop\.maxAge: is not an option/],
    [{ senderConstraint: 'DPoP' as never }, /senderConstraint: must be "dpop", "mtls", "any"/],
    [{ senderConstraint: 'any', session: {} as never }, /senderConstraint: cannot be combined with session/],
    [{ dpop: false, senderConstraint: 'dpop' }, /senderConstraint: must not be "dpop" while dpop is false/],
  ])('reports %j', (options, message) => {
    const error = configurationErrorOf(() => createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, ...options }));
    expect(error?.message).toMatch(message);
  });
});

test('rule 68: a bound token is verified once, and each request needs a proof', async () => {
  const { send, guard } = await createDpopScene();
  for (let times = 0; times < 3; times++) expectAllowed(await send());
  expect(guard.health().tokenCache).toMatchObject({ entries: 1, hits: 2, misses: 1 });
  expect(verdictOf(await send('x'))).toBe('invalid_proof');
});
