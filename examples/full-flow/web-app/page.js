/* eslint-disable typescript/no-unsafe-argument, typescript/no-unsafe-call, typescript/no-unsafe-return -- sent to the browser unchanged, so it is
   JavaScript without types */
import * as oauth from './oauth4webapi.js';

// The same app as agent/app.ts, for a browser. sessionStorage keeps what must survive the trip to the login page. Tokens are never stored there.

const config = await (await fetch('/config.json')).json();
const client = { client_id: config.clientId };
// the demo runs on loopback, so plain http is allowed
const options = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(config.issuer);

/** @type {{ access_token: string, refresh_token: string, id_token: string, scope: string } | undefined} */
let tokens;

const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options)).catch(() => undefined);
if (!server) show('session', `The authorization server at ${config.issuer} is unreachable. Is the demo still running?`);
if (server && location.pathname === '/callback') await finishLogin().catch((error) => show('session', `The login failed: ${error.error ?? error.message}`));
if (server) element('login').disabled = false;

element('login').addEventListener('click', () => void startLogin());
element('refresh').addEventListener('click', () => void refresh());
for (const button of document.querySelectorAll('[data-call]')) button.addEventListener('click', () => void call(button.dataset.call, button.dataset.token));

async function startLogin() {
  const login = { codeVerifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce() };
  sessionStorage.setItem('login', JSON.stringify(login));
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: config.clientId,
    redirect_uri: config.redirectUri,
    scope: 'openid offline_access orders:read orders:write',
    resource: config.resource,
    code_challenge: await oauth.calculatePKCECodeChallenge(login.codeVerifier),
    code_challenge_method: 'S256',
    state: login.state,
    nonce: login.nonce,
    prompt: 'consent',
  });
  location.assign(url);
}

async function finishLogin() {
  const url = new URL(location.href);
  const login = JSON.parse(sessionStorage.getItem('login') ?? 'null');
  // used only once, even if the login fails. The code is removed from the address bar and the history
  sessionStorage.removeItem('login');
  history.replaceState(null, '', '/');
  if (!login) throw new Error('it was not started in this tab, or is already finished');
  const answer = oauth.validateAuthResponse(server, client, url, login.state);
  const parameters = { ...options, additionalParameters: { resource: config.resource } };
  const response = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), answer, config.redirectUri, login.codeVerifier, parameters);
  tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: login.nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(server, response, options);
  showTokens();
}

async function refresh() {
  try {
    const parameters = { ...options, additionalParameters: { resource: config.resource } };
    const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token, parameters);
    tokens = await oauth.processRefreshTokenResponse(server, client, response);
    showTokens();
  } catch (error) {
    show('session', `The token could not be refreshed: ${error.error ?? error.message}`);
  }
}

async function call(route, kind) {
  const [method, path] = route.split(' ');
  const token = chosenToken(kind);
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(method === 'POST' && { 'content-type': 'application/json' }) };
  try {
    const response = await fetch(config.api + path, { method, headers, ...(method === 'POST' && { body: JSON.stringify({ item: 'a scone' }) }) });
    const lines = [`${method} ${path}${token ? `\nAuthorization: Bearer ${cut(token)}` : ''}`, '', `${response.status} ${response.statusText}`];
    for (const name of ['WWW-Authenticate', 'Retry-After']) if (response.headers.has(name)) lines.push(`${name}: ${response.headers.get(name)}`);
    show('answer', [...lines, '', pretty(await response.text())].join('\n'));
  } catch {
    show('answer', `${method} ${path}\n\nThe API at ${config.api} is unreachable. Is the demo still running?`);
  }
}

function chosenToken(kind) {
  if (kind === 'none') return undefined;
  if (kind === 'id') return tokens?.id_token;
  if (kind !== 'tampered') return tokens?.access_token;
  const [header, , signature] = (tokens?.access_token ?? 'a.b.c').split('.');
  return [header, btoa('{"scope":"orders:write"}').replaceAll('=', ''), signature].join('.');
}

function showTokens() {
  const [header, claims] = tokens.access_token.split('.').map((part, index) => (index < 2 ? decode(part) : undefined));
  show('session', `Logged in as ${claims.sub}; granted: ${claims.scope ?? 'no scope of the API'}.`);
  show('token', `${cut(tokens.access_token)}\n\nheader ${JSON.stringify(header, null, 2)}\n\nclaims ${JSON.stringify(claims, null, 2)}`);
  element('refresh').disabled = !tokens.refresh_token;
}

function pretty(json) {
  return json === '' ? '' : JSON.stringify(JSON.parse(json), null, 2);
}

function decode(part) {
  const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function cut(secret) {
  return `${secret.slice(0, 10)}...${secret.slice(-4)}`;
}

/** Shows text, never HTML: a server's answer is not trusted. */
function show(id, text) {
  element(id).textContent = text;
}

function element(id) {
  return document.getElementById(id);
}
