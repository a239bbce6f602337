import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { createApp, type App, type AuthorizationRequest, type Tokens } from '../agent/app.ts';
import type { BackAtApp, Browser, Page, Place } from '../agent/browser.ts';
import { ALICE, credentialsOf, ORDERS_API, WEB_APP } from '../cast.ts';
import { expectEqual, expectThat } from '../expect.ts';
import { cut } from '../shortened.ts';
import type { Stage } from '../stage.ts';

/** A login in progress. */
interface Login {
  readonly app: App;
  readonly browser: Browser;
  readonly request: AuthorizationRequest;
}

export function discover({ story, authorizationServer, webApp, wire, screen }: Stage): Promise<App> {
  return story.step(
    'The app fetches the metadata of the authorization server',
    'The app knows only the issuer’s URL; the metadata has all other URLs. If the metadata names another issuer, the app does not use it.',
    async () => {
      const { issuer } = authorizationServer;
      const app = await createApp({ issuer, clientId: WEB_APP.id, redirectUri: webApp.redirectUri, send: wire.send });
      expectEqual('the issuer in the metadata', app.metadata.issuer, issuer);
      expectEqual('the PKCE methods offered', app.metadata.code_challenge_methods_supported, ['S256']);
      const { authorization_endpoint, token_endpoint, jwks_uri } = app.metadata;
      screen.show('the endpoints that the app uses', { authorization_endpoint, token_endpoint, jwks_uri });
      screen.passed(`the metadata names ${issuer}; PKCE is offered with S256 only`);
      return app;
    },
  );
}

export function requestAuthorization({ story, screen, newBrowser }: Stage, app: App): Promise<Login & { readonly loginPage: Page }> {
  return story.step(
    'The app redirects the browser to the authorization server',
    'A public client has no secret. Instead it creates a random code_verifier for this login and sends only its hash, the code_challenge (PKCE). ' +
      'A stolen code is useless without the verifier. state binds the answer to this browser; nonce binds the ID token to this login.',
    async () => {
      const browser = newBrowser();
      const request = await app.authorizationRequest({ scope: 'openid offline_access orders:read orders:write', resource: ORDERS_API });
      screen.note(`code_verifier ${cut(request.codeVerifier)} stays in the app; code_challenge = BASE64URL(SHA256(code_verifier)) is sent`);
      const loginPage = pageOf(await browser.open(request.url));
      expectEqual('the page', loginPage.title, 'Log in');
      screen.passed('nobody is logged in yet, so the browser gets a login page');
      return { app, browser, request, loginPage };
    },
  );
}

export function authenticate({ story, screen }: Stage, { browser, loginPage }: Login & { readonly loginPage: Page }): Promise<Page> {
  return story.step(
    'Alice logs in',
    'Only the authorization server sees the password: that is the point of OAuth. The demo tries a wrong one first.',
    async () => {
      const again = pageOf(await browser.submit(loginPage, { username: ALICE.username, password: 'guessed' }));
      expectEqual('the page after a wrong password', [again.title, again.status], ['Log in', 422]);
      const consentPage = pageOf(await browser.submit(again, credentialsOf(ALICE)));
      expectEqual('the page after the right password', consentPage.title, 'Allow access?');
      screen.passed('the wrong password is refused; the right one leads to the consent page');
      return consentPage;
    },
  );
}

export function consent({ story, screen, authorizationServer }: Stage, { app, browser, request }: Login, consentPage: Page): Promise<URLSearchParams> {
  return story.step(
    'Alice consents, but not to everything',
    'The consent page lists the scopes that the app requests. Alice allows it to read her orders and unticks writing. ' +
      'The browser returns to the app with a code, and the app checks state and iss before it uses the answer.',
    async () => {
      const offered = consentPage.fields.filter(({ name }) => name === 'scope').map(({ value }) => value);
      expectEqual('the scopes on the consent page', offered, request.scope.split(' '));
      const back = backAtApp(await browser.submit(consentPage, { scope: ['offline_access', 'orders:read'], decision: 'allow' }));
      const answer = app.readAnswer(back.url, request);
      expectThat('state is the value that was sent', answer.get('state') === request.state);
      expectEqual('iss in the answer', answer.get('iss'), authorizationServer.issuer);
      expectThat('there is a code', (answer.get('code') ?? '') !== '');
      screen.passed('back at the app with a code; state and iss (RFC 9207) are correct');
      return answer;
    },
  );
}

export function exchangeCode({ story, screen }: Stage, { app, request }: Login, answer: URLSearchParams): Promise<Tokens> {
  return story.step(
    'The app exchanges the code for tokens',
    'The code alone is useless: the app now sends the code_verifier, and the authorization server compares its hash with the challenge. ' +
      'resource names the API that the access token is for (RFC 8707).',
    async () => {
      const tokens = await app.exchange(answer, request);
      expectEqual('the scope of the access token', tokens.scope, 'orders:read');
      screen.passed('an access token for the API, an ID token for the app, and a refresh token; orders:write was not granted');
      return tokens;
    },
  );
}

export function lookInside({ story, screen, authorizationServer, wire }: Stage, { app, request }: Login, tokens: Tokens): Promise<void> {
  return story.step(
    'What is in the tokens',
    'The access token is a signed JWT for the API (RFC 9068); the app does not have to read it. ' +
      'The ID token is for the app and says who logged in; the app verifies its signature with the issuer’s public keys.',
    async () => {
      const header = decodeProtectedHeader(tokens.accessToken);
      const claims = decodeJwt(tokens.accessToken);
      screen.note(`access token ${cut(tokens.accessToken)}`);
      screen.show('its header', header);
      screen.show('its claims', claims);
      expectEqual('typ', header.typ, 'at+jwt');
      expectEqual('kid', header.kid, authorizationServer.signingKeyId);
      expectEqual('iss', claims.iss, authorizationServer.issuer);
      expectEqual('aud', claims.aud, ORDERS_API);
      expectEqual('sub', claims.sub, ALICE.username);
      expectEqual('client_id', claims['client_id'], WEB_APP.id);
      expectEqual('scope', claims['scope'], 'orders:read');
      expectEqual('the lifetime', claims.exp! - claims.iat!, WEB_APP.accessTokenLifetimeSeconds);

      const keys = createRemoteJWKSet(new URL(app.metadata.jwks_uri!), { [customFetch]: wire.send });
      const { payload } = await jwtVerify(tokens.idToken, keys, { issuer: authorizationServer.issuer, audience: WEB_APP.id });
      expectThat('the nonce of the ID token is the one that was sent', payload['nonce'] === request.nonce);
      expectEqual('sub of the ID token', payload.sub, ALICE.username);
      screen.passed(`access token: for ${ORDERS_API}, scope orders:read. ID token: signature, iss, aud ${WEB_APP.id} and nonce are correct`);
    },
  );
}

export function firstCall({ story, screen, callApi }: Stage, tokens: Tokens): Promise<void> {
  return story.step(
    'The app calls the API: 200',
    'The app sends the access token in the Authorization header. The API verifies it with the keys that the issuer publishes, without asking the issuer at each request.',
    async () => {
      const response = await callApi('GET /orders', tokens.accessToken);
      expectEqual('the status', response.status, 200);
      expectThat('the answer is a list of orders', Array.isArray(await response.json()));
      screen.passed('200');
    },
  );
}

function pageOf(place: Place): Page {
  expectEqual('where the browser is', place.kind, 'page');
  return place as Page;
}

function backAtApp(place: Place): BackAtApp {
  expectEqual('where the browser is', place.kind, 'back at app');
  return place as BackAtApp;
}
