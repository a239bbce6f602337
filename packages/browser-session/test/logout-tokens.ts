import { importJWK, SignJWT, type JWK } from 'jose';
import { CLIENT_ID } from './provider.ts';
import type { World } from './world.ts';

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} };

/** Returns a logout token of the provider, with other claims if they are given. */
export async function logoutToken({ provider }: World, key: JWK, claims: object): Promise<string> {
  // the provider has the machine's clock, and its logout is after its ID tokens
  const now = Math.ceil(Date.now() / 1000);
  const all = { iss: provider.issuer, aud: CLIENT_ID, iat: now, exp: now + 120, jti: crypto.randomUUID(), events: EVENTS, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: 'ES256', kid: key.kid!, typ: 'logout+jwt' }).sign(await importJWK(key, 'ES256'));
}

/** Sends a logout token as an issuer does. */
export function sendLogoutToken({ app }: World, token: string): Promise<Response> {
  return fetch(`${app.origin}/session/backchannel-logout`, { method: 'POST', body: new URLSearchParams({ logout_token: token }) });
}
