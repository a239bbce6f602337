import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { ResponseBodyError } from 'oauth4webapi';
import type { App, Tokens } from '../agent/app.ts';
import { KIOSK, ORDERS_API } from '../cast.ts';
import { expectEqual, expectRefusal, expectThat } from '../expect.ts';
import type { Stage } from '../stage.ts';

/** A login of the kiosk, whose access tokens live for seconds. */
export interface KioskLogin {
  readonly app: App;
  readonly tokens: Tokens;
}

export function expiry({ story, screen, callApi, operator, authorizationServer, logIn }: Stage): Promise<KioskLogin> {
  return story.step(
    'An expired token: 401',
    `Access tokens are short-lived, because they can’t be called back; the kiosk’s live for ${KIOSK.accessTokenLifetimeSeconds} seconds. ` +
      'By default the guard forgives 30 seconds between two clocks; this API was told 0, or we would wait for them too.',
    async () => {
      screen.note('(the same login once more, not shown, by the kiosk)');
      const { app, tokens } = await logIn(authorizationServer.issuer, KIOSK, { scope: 'openid offline_access orders:read', resource: ORDERS_API });
      expectEqual('the status at first', (await callApi('GET /orders', tokens.accessToken)).status, 200);
      const milliseconds = decodeJwt(tokens.accessToken).exp! * 1000 - Date.now();
      screen.note(`waiting for its exp, ${(milliseconds / 1000).toFixed(1)} s from now ...`);
      // a timer may fire a millisecond early
      await sleep(milliseconds + 5);
      const response = await callApi('GET /orders', tokens.accessToken);
      await expectRefusal(response, operator.lastReason, { status: 401, error: 'invalid_token', reason: 'expired' });
      screen.passed('200 before its end, 401 after it');
      return { app, tokens };
    },
  );
}

export function refresh({ story, screen, callApi }: Stage, { app, tokens }: KioskLogin): Promise<Tokens> {
  return story.step(
    'New tokens from the refresh token, which is rotated: 200',
    'No login and no consent page this time. The authorization server replaces the refresh token with each use, and the next refresh takes the new one.',
    async () => {
      const first = await app.refresh(tokens.refreshToken, ORDERS_API);
      const second = await app.refresh(first.refreshToken, ORDERS_API);
      expectThat('each access token is a new one', new Set([tokens, first, second].map(({ accessToken }) => accessToken)).size === 3);
      expectThat('each refresh token is a new one', new Set([tokens, first, second].map(({ refreshToken }) => refreshToken)).size === 3);
      expectEqual('the status', (await callApi('GET /orders', second.accessToken)).status, 200);
      screen.passed('refreshed twice, the second time by the rotated refresh token; 200');
      return second;
    },
  );
}

export function reuse({ story, screen }: Stage, { app, tokens }: KioskLogin, renewed: Tokens): Promise<void> {
  return story.step(
    'The old refresh token again: refused',
    'A refresh token that comes twice may be in two hands, and nobody can tell which of them is the app’s. So the authorization server ends the whole family, the newest one included (RFC 9700 s4.14.2).',
    async () => {
      expectEqual('the answer to the old one', await refusalOf(app.refresh(tokens.refreshToken, ORDERS_API)), [400, 'invalid_grant']);
      expectEqual('the answer to the newest one', await refusalOf(app.refresh(renewed.refreshToken, ORDERS_API)), [400, 'invalid_grant']);
      screen.passed('invalid_grant for the old one, and from then on for the newest one too: the user has to log in again');
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
