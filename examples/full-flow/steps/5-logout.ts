import { setTimeout as sleep } from 'node:timers/promises';
import { createIssuerClient } from '@tokenward/express';
import { decodeJwt } from 'jose';
import type { Tokens } from '../agent/app.ts';
import type { Browser } from '../agent/browser.ts';
import { ORDERS_API, WEB_APP } from '../cast.ts';
import { expectEqual, expectRefusal, expectThat } from '../expect.ts';
import type { Stage } from '../stage.ts';
import { refusalOf } from './3-expiry-and-refresh.ts';

const TOKEN_REQUEST = { scope: 'openid offline_access orders:read', resource: ORDERS_API };

export function logout(stage: Stage, other: Tokens): Promise<Browser> {
  const { story, screen, callApi, operator, authorizationServer, newBrowser, logIn } = stage;
  return story.step(
    'Alice logs out at the authorization server: her access token gets 401',
    'Her access token has not expired, but its session has ended. The authorization server posts a logout token that names the session to the API (OpenID Connect Back-Channel Logout). ' +
      'The API verifies it like an access token, and refuses the tokens of that session from then on. Her session in another browser continues.',
    async () => {
      screen.note('(Alice logs in once more, not shown, in a second browser)');
      const browser = newBrowser();
      const { app, tokens } = await logIn(authorizationServer.issuer, WEB_APP, TOKEN_REQUEST, browser);
      expectThat('each session has its own id', decodeJwt(tokens.accessToken)['sid'] !== decodeJwt(other.accessToken)['sid']);
      expectEqual('the status before', (await callApi('GET /orders', tokens.accessToken)).status, 200);
      const url = new URL(app.metadata.end_session_endpoint!);
      url.search = new URLSearchParams({ client_id: app.clientId, id_token_hint: tokens.idToken }).toString();
      const page = await browser.open(url);
      if (page.kind !== 'page') throw new Error('the authorization server showed no logout page');
      const done = await browser.submit(page, { logout: 'yes' });
      expectEqual('the last page', done.kind === 'page' && done.title, 'You are logged out');
      expectEqual('the outcome of the logout token', operator.logouts, ['done']);
      await expectRefusal(await callApi('GET /orders', tokens.accessToken), operator.lastReason, { status: 401, error: 'invalid_token', reason: 'revoked' });
      expectEqual("the other session's status", (await callApi('GET /orders', other.accessToken)).status, 200);
      screen.passed('401 for the session that has ended, 200 for the other');
      return browser;
    },
  );
}

export function loginAgain({ story, screen, callApi, authorizationServer, logIn }: Stage, browser: Browser): Promise<void> {
  return story.step('She logs in again: 200', 'Only tokens issued up to the second of the logout, as the logout token states it, are revoked.', async () => {
    // timestamps are in seconds, so a login in the second of the logout would be refused too
    await sleep(1000);
    const { tokens } = await logIn(authorizationServer.issuer, WEB_APP, TOKEN_REQUEST, browser);
    expectEqual('the status', (await callApi('GET /orders', tokens.accessToken)).status, 200);
    screen.passed('200 with the new token');
  });
}

export function revokedRefreshToken({ story, screen, authorizationServer, logIn }: Stage): Promise<void> {
  return story.step(
    'The app revokes a refresh token: the next refresh is refused',
    'Only the authorization server can end a refresh token. revokeAtIssuer asks it to (RFC 7009), as an app does when its user logs out.',
    async () => {
      const { app, tokens } = await logIn(authorizationServer.issuer, WEB_APP, TOKEN_REQUEST);
      const client = createIssuerClient({ issuer: authorizationServer.issuer, clientId: app.clientId, authentication: 'none' });
      await client.revokeAtIssuer(tokens.refreshToken, { tokenTypeHint: 'refresh_token' });
      expectEqual('the answer to it', await refusalOf(app.refresh(tokens.refreshToken, ORDERS_API)), [400, 'invalid_grant']);
      await client.revokeAtIssuer('an unknown token');
      screen.passed('invalid_grant for the revoked one, and no error when an unknown token is revoked');
    },
  );
}
