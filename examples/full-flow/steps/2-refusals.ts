import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Tokens } from '../agent/app.ts';
import { INVOICES_API, ORDERS_API, WEB_APP } from '../cast.ts';
import { expectEqual, expectRefusal } from '../expect.ts';
import type { Stage } from '../stage.ts';

export function withoutToken({ story, screen, callApi, operator }: Stage): Promise<void> {
  return story.step(
    'No token: 401',
    'The challenge says how to ask and which scope it takes. It names no error: nothing was wrong, something was missing (RFC 6750 s3.1).',
    async () => {
      const response = await callApi('GET /orders');
      await expectRefusal(response, operator.lastReason, { status: 401, error: undefined, reason: 'missing_token', scope: 'orders:read' });
      screen.passed('401 with a bare challenge');
    },
  );
}

export function tampered({ story, screen, callApi, operator }: Stage, { accessToken }: Tokens): Promise<void> {
  return story.step(
    'A tampered token: 401',
    'Somebody writes orders:write into the token. The signature does not fit any more, so nothing in the token counts.',
    async () => {
      const [header, , signature] = accessToken.split('.');
      const claims = { ...decodeJwt(accessToken), scope: 'orders:read orders:write' };
      screen.note('scope: "orders:read" → "orders:read orders:write", under the same signature');
      const forged = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
      await expectRefusal(await callApi('POST /orders', forged), operator.lastReason, { status: 401, error: 'invalid_token', reason: 'bad_signature' });
      screen.passed(told('bad_signature'));
    },
  );
}

export function otherAudience({ story, screen, callApi, operator, authorizationServer, logIn }: Stage): Promise<void> {
  return story.step(
    'A token for another API: 401',
    'The same authorization server signed it with the same key, but for the invoices API. An API that does not look at aud would let the invoices API act as Alice here.',
    async () => {
      screen.note(`(the same login once more, not shown, for ${INVOICES_API})`);
      const wish = { scope: 'openid offline_access invoices:read', resource: INVOICES_API };
      const { tokens } = await logIn(authorizationServer.issuer, WEB_APP, wish);
      expectEqual('aud', decodeJwt(tokens.accessToken).aud, INVOICES_API);
      const response = await callApi('GET /me', tokens.accessToken);
      await expectRefusal(response, operator.lastReason, { status: 401, error: 'invalid_token', reason: 'audience_mismatch' });
      screen.passed(told('audience_mismatch'));
    },
  );
}

export function otherIssuer({ story, screen, callApi, operator, otherAuthorizationServer, logIn }: Stage): Promise<void> {
  return story.step(
    'A token from another issuer: 401',
    'A second authorization server really issued it, for our API’s name. Anyone can run such a server: only the one that the API was told to trust counts.',
    async () => {
      screen.note(`(the same login once more, not shown, at ${otherAuthorizationServer.issuer})`);
      const wish = { scope: 'openid offline_access orders:read', resource: ORDERS_API };
      const { tokens } = await logIn(otherAuthorizationServer.issuer, WEB_APP, wish);
      const { iss, aud } = decodeJwt(tokens.accessToken);
      expectEqual('iss and aud', [iss, aud], [otherAuthorizationServer.issuer, ORDERS_API]);
      const response = await callApi('GET /orders', tokens.accessToken);
      await expectRefusal(response, operator.lastReason, { status: 401, error: 'invalid_token', reason: 'issuer_mismatch' });
      screen.passed(told('issuer_mismatch'));
    },
  );
}

export function idToken({ story, screen, callApi, operator }: Stage, { idToken }: Tokens): Promise<void> {
  return story.step(
    'The ID token instead of the access token: 401',
    'Right issuer, right key, right user; but it was made to tell the app who logged in, and opens nothing.',
    async () => {
      screen.show('what sets it apart', { header: decodeProtectedHeader(idToken), aud: decodeJwt(idToken).aud });
      const response = await callApi('GET /me', idToken);
      await expectRefusal(response, operator.lastReason, { status: 401, error: 'invalid_token', reason: 'not_an_access_token' });
      screen.passed(told('not_an_access_token'));
    },
  );
}

export function scopeNotGranted({ story, screen, callApi, operator }: Stage, { accessToken }: Tokens): Promise<void> {
  return story.step(
    'A token without the scope: 403',
    'The token is good, but Alice unticked orders:write. The challenge names the scope that would do, so the app knows what to ask her for.',
    async () => {
      const response = await callApi('POST /orders', accessToken);
      await expectRefusal(response, operator.lastReason, { status: 403, error: 'insufficient_scope', reason: 'insufficient_scope', scope: 'orders:write' });
      screen.passed('403; the challenge asks for orders:write');
    },
  );
}

/** One answer for every bad token, so that nobody can probe; the reason is the operator's. */
function told(reason: string): string {
  return `401 invalid_token: the client is not told more. The API’s operator sees the reason: ${reason}`;
}
