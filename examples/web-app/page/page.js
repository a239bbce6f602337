/* eslint-disable typescript/no-unsafe-argument, typescript/no-unsafe-call, typescript/no-unsafe-return -- sent to the browser unchanged, so it is
   JavaScript without types */
import { createSession } from './tokenward/client.js';

const { mode, operatorPanel } = await (await fetch('/config.json')).json();
// npm run demo -- --serve adds it: a panel for the operator, which no product has
const operator = operatorPanel && (await import(operatorPanel));
const session = createSession({ mode });
const element = (id) => document.getElementById(id);

let user = null;
const panel = operator?.openPanel(element('operator'));
let refreshes = 0;
const SILENT = 'The server does not answer. Is it still running?';
/** Whether the panel leaves the last call as it is. */
let quiet = false;
/** What the last refused payout needs. */
let stepUp;

session.onEnd((reason) => {
  show(null);
  notice(reason === 'logout' ? 'You have logged out.' : 'Your session has ended. Log in again to go on.');
});
for (const id of ['login', 'orders-login']) element(id).addEventListener('click', () => void session.login());
element('logout').addEventListener('click', () => void session.logout().catch(({ message }) => notice(message)));
element('new-order').addEventListener('submit', (event) => void placeOrder(event));
element('payout').addEventListener('click', () => void payOut());
element('step-up-login').addEventListener('click', () => void session.login(stepUp));
element('try-no-header').addEventListener('click', () => void call('GET', '/api/orders', { without: 'header' }));
element('try-no-session').addEventListener('click', () => void call('GET', '/api/orders', { without: 'session' }));
element('session-mode').textContent =
  mode === 'bff'
    ? 'Mode bff: this page never sees a token. The browser sends an HttpOnly cookie, and the server adds the access token.'
    : 'Mode token-mediating: this page keeps the access token in memory. The refresh token stays on the server.';
setInterval(showExpiry, 1000);
await look();
if (user) await listOrders();

async function look() {
  try {
    show(await session.current());
  } catch {
    show(null);
    notice(SILENT);
  }
}

function show(next) {
  if (user && next && next.expiresAt > user.expiresAt) refreshes++;
  if (!next) refreshes = 0;
  user = next;
  document.body.dataset.state = user ? 'in' : 'out';
  document.body.removeAttribute('aria-busy');
  panel?.show(user?.subject);
  element('who').textContent = user ? `Logged in as ${user.subject}` : 'Nobody is logged in';
  element('login').hidden = Boolean(user);
  element('orders-login').hidden = Boolean(user);
  element('logout').hidden = !user;
  element('session-subject').textContent = user?.subject ?? 'nobody';
  element('session-scopes').replaceChildren(...(user?.scopes ?? ['none']).map((name) => item(name)));
  element('session-refreshes').textContent = String(refreshes);
  for (const button of document.querySelectorAll('[data-needs-session]')) button.disabled = !user;
  if (!user) {
    element('orders').replaceChildren();
    element('orders-empty').textContent = 'Your orders are for your eyes only.';
    element('orders-empty').hidden = false;
    element('step-up').hidden = true;
    element('payout-done').hidden = true;
    // a refusal says nothing about anybody, and may be what ended the session here
    const isRefusal = element('wire-status').dataset.kind !== 'good';
    element('wire').hidden ||= !isRefusal;
    element('wire-empty').hidden = !element('wire').hidden;
  }
  showExpiry();
}

function showExpiry() {
  const seconds = user ? Math.round(user.expiresAt - Date.now() / 1000) : 0;
  element('session-expiry').textContent = !user
    ? 'none'
    : seconds > 0
      ? `ends in ${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
      : 'ended; the server refreshes it with the next call';
}

async function listOrders() {
  const response = await call('GET', '/api/orders');
  if (!response?.ok) return;
  const orders = await response.json();
  element('orders').replaceChildren(...orders.map(row));
  element('orders-empty').textContent = 'No orders yet.';
  element('orders-empty').hidden = orders.length > 0;
}

function row({ id, item: name, quantity }) {
  const line = item('');
  const amount = document.createElement('span');
  amount.className = 'quantity';
  amount.textContent = `${quantity ?? 1} ×`;
  const text = document.createElement('span');
  text.textContent = name;
  const remove = document.createElement('button');
  remove.className = 'button quiet small';
  remove.textContent = 'Remove';
  remove.setAttribute('aria-label', `Remove ${name}`);
  remove.addEventListener('click', () => void removeOrder(id));
  line.append(amount, text, remove);
  return line;
}

async function placeOrder(event) {
  event.preventDefault();
  const fields = new FormData(event.target);
  const order = { item: fields.get('item'), quantity: Number(fields.get('quantity')) };
  if ((await call('POST', '/api/orders', { body: order }))?.ok) await quietly(listOrders);
}

async function removeOrder(id) {
  if ((await call('DELETE', `/api/orders/${encodeURIComponent(id)}`))?.ok) await quietly(listOrders);
}

async function payOut() {
  const response = await call('PUT', '/api/payout', { body: { amount: 12.5 } });
  element('payout-done').hidden = !response?.ok;
  const need = response && (await session.needOf(response));
  element('step-up').hidden = need?.kind !== 'step-up';
  stepUp = need;
}

/** Calls the API again without a word in the panel, which should keep what the user did. */
async function quietly(action) {
  quiet = true;
  await action();
  quiet = false;
}

/** Calls the API and shows what went over the wire. */
async function call(method, path, { body, without } = {}) {
  const headers = body ? { 'content-type': 'application/json' } : {};
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  let response;
  document.body.setAttribute('aria-busy', 'true');
  try {
    if (without === 'header') response = await fetch(path, init);
    else if (without === 'session') response = await fetch(path, { ...init, credentials: 'omit', headers: { ...headers, 'x-tokenward-csrf': '1' } });
    else response = await session.fetch(path, init);
  } catch {
    notice(SILENT);
    return undefined;
  } finally {
    document.body.removeAttribute('aria-busy');
  }
  if (element('notice').textContent === SILENT) element('notice').hidden = true;
  if (!quiet) await teach(method, path, init, response, without);
  if (!without) await look();
  return response;
}

async function teach(method, path, { headers, body }, response, without) {
  const text = await response.clone().text();
  const bearer = mode !== 'bff' && !without;
  const sent = [
    `${method} ${path}`,
    ...(without === 'header' ? [] : ['x-tokenward-csrf: 1']),
    ...(without === 'session' ? [] : ['cookie: (the browser adds it; no script can read it)']),
    ...(bearer ? ['authorization: Bearer (in the memory of this page)'] : []),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body ? ['', body] : []),
  ];
  const names = ['content-type', 'www-authenticate', 'retry-after', 'cache-control'].filter((name) => response.headers.has(name));
  const received = [
    `${response.status} ${response.statusText}`,
    ...names.map((name) => `${name}: ${response.headers.get(name)}`),
    ...(text ? ['', pretty(text)] : []),
  ];
  element('wire').hidden = false;
  element('wire-empty').hidden = true;
  element('wire-status').textContent = String(response.status);
  element('wire-status').dataset.kind = response.ok ? 'good' : response.status === 401 ? 'warn' : 'bad';
  element('wire-request').textContent = `${method} ${path}`;
  element('wire-sent').textContent = sent.join('\n');
  element('wire-received').textContent = received.join('\n');
  element('wire-lesson').textContent = await lessonOf(response, text);
  await operator?.explain(response, element('wire-operator'));
  const need = await session.needOf(response);
  element('wire-consent').hidden = need?.kind !== 'permission' || need.scopes.length === 0;
  // on a narrow screen the explanation is below what the user pressed
  if (!response.ok) element('wire').scrollIntoView({ block: 'nearest' });
}

/** Says what a status means, and what to do about it. */
async function lessonOf(response, text) {
  if (response.ok) return 'The guard found an access token for this session, and it grants what the route needs.';
  const need = await session.needOf(response);
  if (need?.kind === 'step-up') return 'The token is valid, but the login is too weak or too old for this route. A new login solves it (RFC 9470).';
  if (need?.kind === 'permission' && need.scopes.length > 0) return `The token lacks a scope. A token with ${need.scopes.join(' ')} would do.`;
  if (need?.kind === 'permission') return 'The token lacks a role. No scope helps: somebody has to give this user the role "admin".';
  if (need?.kind === 'login') return 'The request had no session. The challenge has no error code, because nothing was wrong with it (RFC 6750).';
  if (text.includes('cross_site_request'))
    return 'The cookie was there, but not the custom header. A page of another site cannot send that header, so the server refuses.';
  if (response.status === 503) return 'The access token cannot be refreshed now. The session lives on: the same call succeeds once the issuer is back.';
  return 'The body says what happened.';
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function notice(text) {
  element('notice').textContent = text;
  element('notice').hidden = false;
}

function item(text) {
  const line = document.createElement('li');
  line.textContent = text;
  return line;
}
