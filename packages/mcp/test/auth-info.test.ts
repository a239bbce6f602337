import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { inspect } from 'node:util';
import { createResourceGuard, rawToken, type Auth } from '@tokenward/core';
import { createTestIssuer, type TestIssuer, type TokenOptions } from '@tokenward/testing';
import { getMcpAuth, toAuthInfo, withAuthInfo } from '@tokenward/mcp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const RESOURCE = 'https://orders.example.com/mcp';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await createTestIssuer({ audience: RESOURCE });
});
afterAll(() => issuer.close());

async function authOf(wanted: TokenOptions = {}): Promise<Auth> {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: RESOURCE });
  onTestFinished(() => guard.close());
  const decision = await guard.check({ method: 'POST', target: '/mcp', headers: { authorization: `Bearer ${await issuer.issueToken(wanted)}` } });
  if (decision.outcome !== 'allow') throw new Error(decision.reason);
  return decision.auth!;
}

describe('rule 235: AuthInfo', () => {
  test('has the token, but neither prints, copies nor serialises it', async () => {
    const auth = await authOf({ scopes: ['orders:read'] });
    const info = toAuthInfo(auth);
    const token = rawToken(auth);
    expect(info.token).toBe(token);
    const signature = token.split('.')[2]!;
    for (const text of [
      JSON.stringify(info),
      inspect(info, { depth: 9 }),
      inspect(info, { depth: 9, getters: true }),
      JSON.stringify({ ...info }),
      String(Object.entries(info)),
    ]) {
      expect(text).not.toContain(signature);
    }
    expect({ ...info }).not.toHaveProperty('token');
  });

  test('cannot be given another token', async () => {
    const info = toAuthInfo(await authOf());
    expect(() => Object.assign(info, { token: 'another' })).toThrow(TypeError);
  });

  test('of several URLs in the audience, none is the resource unless an option says it', async () => {
    const auth = await authOf({ audience: ['https://a.example.com', RESOURCE] });
    expect(toAuthInfo(auth).resource).toBeUndefined();
    expect(toAuthInfo(auth, { resource: RESOURCE }).resource).toEqual(new URL(RESOURCE));
    expect(toAuthInfo(auth, { resource: 'https://b.example.com' }).resource).toBeUndefined();
    expect(toAuthInfo(await authOf({ audience: ['orders', RESOURCE] })).resource).toEqual(new URL(RESOURCE));
  });

  test('a token without a client has an empty one', async () => {
    const auth = await authOf({ claims: { client_id: undefined } });
    expect(toAuthInfo(auth).clientId).toBe('');
  });

  test('changes to it change nothing else', async () => {
    const auth = await authOf({ scopes: ['orders:read'] });
    toAuthInfo(auth).scopes.push('orders:write');
    expect(auth.scopes).toEqual(['orders:read']);
    expect(toAuthInfo(auth).scopes).toEqual(['orders:read']);
  });
});

describe('getMcpAuth', () => {
  test('finds the Auth in what each version of the SDK passes to a tool, and in copies', async () => {
    const auth = await authOf();
    const authInfo = toAuthInfo(auth);
    for (const call of [{ http: { authInfo } }, { authInfo }, authInfo, { http: { authInfo: { ...authInfo } } }]) expect(getMcpAuth(call)).toBe(auth);
  });

  test('throws if no guard has admitted the call', () => {
    const forged = JSON.parse('{"token":"a","clientId":"b","scopes":["orders:write"],"auth":{"subject":"admin"}}') as object;
    for (const call of [undefined, null, 'a', {}, { http: {} }, { authInfo: forged }, { http: { authInfo: forged } }]) {
      expect(() => getMcpAuth(call as never)).toThrow(/no guard has admitted this call/);
    }
  });
});

describe('withAuthInfo', () => {
  test("sets auth where the SDK looks for it, even where a guard's own property is", async () => {
    const auth = await authOf();
    const request = Object.assign(new IncomingMessage(new Socket()), { auth });
    expect(getMcpAuth({ authInfo: withAuthInfo(request, auth).auth })).toBe(auth);
    expect(request.auth).toMatchObject({ token: rawToken(auth) });
  });

  test('throws for what no guard has created', () => {
    expect(() => withAuthInfo(new IncomingMessage(new Socket()), { subject: 'admin' } as never)).toThrow(/no guard created this value/);
  });
});
