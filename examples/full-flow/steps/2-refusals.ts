import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Tokens } from '../agent/app.ts';
import { INVOICES_API, ORDERS_API, WEB_APP } from '../cast.ts';
import { expectEqual, expectRefusal } from '../expect.ts';
import type { Stage } from '../stage.ts';

export function withoutToken({ story, screen, callApi, operator }: Stage): Promise<void> {
  return story.step(
    'No token: 401',
    'The challenge names the scheme and the required scope. It has no error code, because the token is missing, not wrong (RFC 6750 s3.1).',
    async () => {
      const response = await callApi('GET /orders');
      await expectRefusal(response, operator.lastReason, { status: 401, error: undefined, reason: 'missing_token', scope: 'orders:read' });
      screen.passed('401 with a challenge without an error code');
    },
  );
}

export function tampered({ story, screen, callApi, operator }: Stage, { accessToken }: Tokens): Promise<void> {
  return story.step(
    'A tampered token: 401',
    'Somebody adds orders:write to the token. The signature no longer matches, so the API trusts nothing in it.',
    async () => {
      const [header, , signature] = accessToken.split('.');
      const claims = { ...decodeJwt(accessToken), scope: 'orders:read orders:write' };
      screen.note('scope: "orders:read" → "orders:read orders:write", with the same signature');
      const forged = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
      await expectRefusal(await callApi('POST /orders', forged), operator.lastReason, { status: 401, error: 'invalid_token', reason: 'bad_signature' });
      screen.passed(sameAnswer('bad_signature'));
    },
  );
}

export function otherAudience({ story, screen, callApi, operator, authorizationServer, logIn }: Stage): Promise<void> {
  return story.step(
    'A token for another API: 401',
    'The same authorization server signed it with the same key, but for the invoices API. Without a check of aud, the invoices API could act as Alice here.',
    async () => {
      screen.note(`(the same login once more, not shown, for ${INVOICES_API})`);
      const tokenRequest = { scope: 'openid offline_access invoices:read', resource: INVOICES_API };
      const { tokens } = await logIn(authorizationServer.issuer, WEB_APP, tokenRequest);
      expectEqual('aud', decodeJwt(tokens.accessToken).aud, INVOICES_API);
      const response = await callApi('GET /me', tokens.accessToken);
      await expectRefusal(response, operator.lastReason, { status: 401, error: 'invalid_token', reason: 'audience_mismatch' });
      screen.passed(sameAnswer('audience_mismatch'));
    },
  );
}

export function otherIssuer({ story, screen, callApi, operator, otherAuthorizationServer, logIn }: Stage): Promise<void> {
  return story.step(
    'A token from another issuer: 401',
    'A second authorization server issued it, with our API as the audience. Anybody can run such a server. The API accepts only the issuer in its options.',
    async () => {
      screen.note(`(the same login once more, not shown, at ${otherAuthorizationServer.issuer})`);
      const tokenRequest = { scope: 'openid offline_access orders:read', resource: ORDERS_API };
      const { tokens } = await logIn(otherAuthorizationServer.issuer, WEB_APP, tokenRequest);
      const { iss, aud } = decodeJwt(tokens.accessToken);
      expectEqual('iss and aud', [iss, aud], [otherAuthorizationServer.issuer, ORDERS_API]);
      const response = await callApi('GET /orders', tokens.accessToken);
      await expectRefusal(response, operator.lastReason, { status: 401, error: 'invalid_token', reason: 'issuer_mismatch' });
      screen.passed(sameAnswer('issuer_mismatch'));
    },
  );
}

export function idToken({ story, screen, callApi, operator }: Stage, { idToken }: Tokens): Promise<void> {
  return story.step(
    'The ID token instead of the access token: 401',
    'The issuer, the key and the user are right. But an ID token tells the app who logged in; it grants no access.',
    async () => {
      screen.show('how it differs', { header: decodeProtectedHeader(idToken), aud: decodeJwt(idToken).aud });
      const response = await callApi('GET /me', idToken);
      await expectRefusal(response, operator.lastReason, { status: 401, error: 'invalid_token', reason: 'not_an_access_token' });
      screen.passed(sameAnswer('not_an_access_token'));
    },
  );
}

export function scopeNotGranted({ story, screen, callApi, operator }: Stage, { accessToken }: Tokens): Promise<void> {
  return story.step(
    'A token without the scope: 403',
    'The token is valid, but Alice unticked orders:write. The challenge names the missing scope, so the app knows what to request.',
    async () => {
      const response = await callApi('POST /orders', accessToken);
      await expectRefusal(response, operator.lastReason, { status: 403, error: 'insufficient_scope', reason: 'insufficient_scope', scope: 'orders:write' });
      screen.passed('403; the challenge names orders:write');
    },
  );
}

/** Every invalid token gets the same answer, so that an attacker learns nothing. Only the operator sees the reason. */
function sameAnswer(reason: string): string {
  return `401 invalid_token is all that the client sees. The API’s operator also sees the reason: ${reason}`;
}
