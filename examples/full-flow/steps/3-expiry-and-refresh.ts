import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { ResponseBodyError } from 'oauth4webapi';
import type { App, Tokens } from '../agent/app.ts';
import { KIOSK, ORDERS_API } from '../cast.ts';
import { expectEqual, expectRefusal, expectThat } from '../expect.ts';
import type { Stage } from '../stage.ts';

/** A login of the kiosk, whose access tokens expire within seconds. */
export interface KioskLogin {
  readonly app: App;
  readonly tokens: Tokens;
}

export function expiry({ story, screen, callApi, operator, authorizationServer, logIn }: Stage): Promise<KioskLogin> {
  return story.step(
    'An expired token: 401',
    `Access tokens are short-lived, because an issuer cannot take them back. The kiosk’s expire after ${KIOSK.accessTokenLifetimeSeconds} seconds. ` +
      'By default a guard allows 30 seconds of clock skew. This API allows none, so that the demo need not wait for them.',
    async () => {
      screen.note('(the same login once more, not shown, by the kiosk)');
      const { app, tokens } = await logIn(authorizationServer.issuer, KIOSK, { scope: 'openid offline_access orders:read', resource: ORDERS_API });
      expectEqual('the status before it expires', (await callApi('GET /orders', tokens.accessToken)).status, 200);
      const milliseconds = decodeJwt(tokens.accessToken).exp! * 1000 - Date.now();
      screen.note(`waiting until it expires, ${(milliseconds / 1000).toFixed(1)} s from now ...`);
      // a timer may fire a millisecond early
      await sleep(milliseconds + 5);
      const response = await callApi('GET /orders', tokens.accessToken);
      await expectRefusal(response, operator.lastReason, { status: 401, error: 'invalid_token', reason: 'expired' });
      screen.passed('200 before it expires, 401 after');
      return { app, tokens };
    },
  );
}

export function refresh({ story, screen, callApi }: Stage, { app, tokens }: KioskLogin): Promise<Tokens> {
  return story.step(
    'New tokens from the refresh token, which is rotated: 200',
    'This needs no login and no consent. The authorization server replaces the refresh token with each use, and the next refresh needs the new one.',
    async () => {
      const first = await app.refresh(tokens.refreshToken, ORDERS_API);
      const second = await app.refresh(first.refreshToken, ORDERS_API);
      expectThat('each access token is a new one', new Set([tokens, first, second].map(({ accessToken }) => accessToken)).size === 3);
      expectThat('each refresh token is a new one', new Set([tokens, first, second].map(({ refreshToken }) => refreshToken)).size === 3);
      expectEqual('the status', (await callApi('GET /orders', second.accessToken)).status, 200);
      screen.passed('refreshed twice, the second time with the new refresh token; 200');
      return second;
    },
  );
}

export function reuse({ story, screen }: Stage, { app, tokens }: KioskLogin, renewed: Tokens): Promise<void> {
  return story.step(
    'The old refresh token again: refused',
    'If a refresh token is used twice, somebody may have stolen it. So the authorization server revokes all refresh tokens of this login, including the newest (RFC 9700 s4.14.2).',
    async () => {
      expectEqual('the answer to the old one', await refusalOf(app.refresh(tokens.refreshToken, ORDERS_API)), [400, 'invalid_grant']);
      expectEqual('the answer to the newest one', await refusalOf(app.refresh(renewed.refreshToken, ORDERS_API)), [400, 'invalid_grant']);
      screen.passed('invalid_grant for the old one, and from then on for the newest too: the user has to log in again');
    },
  );
}

export async function refusalOf(attempt: Promise<Tokens>): Promise<readonly [status: number, error: string] | 'issued tokens'> {
  try {
    await attempt;
    return 'issued tokens';
  } catch (error) {
    if (error instanceof ResponseBodyError) return [error.status, error.error];
    throw error;
  }
}
