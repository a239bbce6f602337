import { setTimeout as sleep } from 'node:timers/promises';
import { createIssuerClient } from '@tokenward/express';
import { decodeJwt } from 'jose';
import type { Tokens } from '../agent/app.ts';
import type { Browser } from '../agent/browser.ts';
import { ORDERS_API, WEB_APP } from '../cast.ts';
import { expectEqual, expectRefusal, expectThat } from '../expect.ts';
import type { Stage } from '../stage.ts';
import { refusalOf } from './3-expiry-and-refresh.ts';

const WISH = { scope: 'openid offline_access orders:read', resource: ORDERS_API };

export function logout(stage: Stage, other: Tokens): Promise<Browser> {
  const { story, screen, callApi, operator, authorizationServer, newBrowser, logIn } = stage;
  return story.step(
    'Alice logs out at the authorization server: her access token gets 401',
    'The access token is good for minutes more, but the login behind it has ended. The authorization server posts a logout token to the API (OpenID Connect Back-Channel Logout), which names the session; ' +
      'the API verifies it as it does access tokens, and refuses that session’s tokens from then on. Her other session, in another browser, goes on.',
    async () => {
      screen.note('(Alice logs in once more, not shown, in a second browser)');
      const browser = newBrowser();
      const { app, tokens } = await logIn(authorizationServer.issuer, WEB_APP, WISH, browser);
      expectThat('each session has a name of its own', decodeJwt(tokens.accessToken)['sid'] !== decodeJwt(other.accessToken)['sid']);
      expectEqual('the status before', (await callApi('GET /orders', tokens.accessToken)).status, 200);
      const url = new URL(app.metadata.end_session_endpoint!);
      url.search = new URLSearchParams({ client_id: app.clientId, id_token_hint: tokens.idToken }).toString();
      const page = await browser.open(url);
      if (page.kind !== 'page') throw new Error('the authorization server asked nothing');
      const done = await browser.submit(page, { logout: 'yes' });
      expectEqual('the last page', done.kind === 'page' && done.title, 'You are logged out');
      expectEqual('what became of the logout token', operator.logouts, ['done']);
      await expectRefusal(await callApi('GET /orders', tokens.accessToken), operator.lastReason, { status: 401, error: 'invalid_token', reason: 'revoked' });
      expectEqual("the other session's status", (await callApi('GET /orders', other.accessToken)).status, 200);
      screen.passed('401 for the session that has ended, 200 for the other one');
      return browser;
    },
  );
}

export function loginAgain({ story, screen, callApi, authorizationServer, logIn }: Stage, browser: Browser): Promise<void> {
  return story.step(
    'She logs in again: 200',
    'What was revoked are tokens from before the logout, by the second in which the authorization server says that it happened.',
    async () => {
      // a login in the very second of the logout would be refused, since nobody can tell which was first
      await sleep(1000);
      const { tokens } = await logIn(authorizationServer.issuer, WEB_APP, WISH, browser);
      expectEqual('the status', (await callApi('GET /orders', tokens.accessToken)).status, 200);
      screen.passed('200 with the new token');
    },
  );
}

export function revokedRefreshToken({ story, screen, authorizationServer, logIn }: Stage): Promise<void> {
  return story.step(
    'The app revokes a refresh token: the next refresh is refused',
    'Refresh tokens are the authorization server’s to end: revokeAtIssuer asks it to (RFC 7009), as an app does when its user logs out there.',
    async () => {
      const { app, tokens } = await logIn(authorizationServer.issuer, WEB_APP, WISH);
      const client = createIssuerClient({ issuer: authorizationServer.issuer, clientId: app.clientId, authentication: 'none' });
      await client.revokeAtIssuer(tokens.refreshToken, { tokenTypeHint: 'refresh_token' });
      expectEqual('the answer to it', await refusalOf(app.refresh(tokens.refreshToken, ORDERS_API)), [400, 'invalid_grant']);
      await client.revokeAtIssuer('a token that nobody knows');
      screen.passed('invalid_grant for the one that was given back; and no error for one that nobody knows');
    },
  );
}
