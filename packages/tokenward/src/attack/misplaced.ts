import type { AttackCase } from './attack-case.js';
import type { AttackRequest } from './exchange.js';

/** A valid token in places and forms in which no API should take it (RFC 6750 s2, RFC 9700 s4.3.2). */
export function misplacedTokens(token: string): readonly AttackCase[] {
  const good: readonly [string, string] = ['Authorization', `Bearer ${token}`];
  const parameter = `access_token=${encodeURIComponent(token)}`;
  const form: readonly [string, string] = ['Content-Type', 'application/x-www-form-urlencoded'];
  const withHeader = (value: string): AttackRequest => ({ headers: [['Authorization', value]] });
  const rows: readonly (readonly [name: string, request: AttackRequest])[] = [
    ['the token in the query string', { query: parameter }],
    ['the token in the query string, twice', { query: `${parameter}&${parameter}` }],
    ['the token in the query string, as token', { query: `token=${encodeURIComponent(token)}` }],
    ['the token in the body of a form', { method: 'POST', headers: [form], body: parameter }],
    ['the token in the body of a GET request', { headers: [form], body: parameter }],
    ['the token in a cookie', { headers: [['Cookie', `access_token=${token}; token=${token}`]] }],
    ['the token in X-Access-Token', { headers: [['X-Access-Token', token]] }],
    ['the token in the header and in the query string', { headers: [good], query: parameter }],
    ['two Authorization headers, the valid one first', { headers: [good, ['Authorization', 'Bearer invalid']] }],
    ['two Authorization headers, the valid one last', { headers: [['Authorization', 'Bearer invalid'], good] }],
    ['two Authorization headers with the same token', { headers: [good, good] }],
    ['two tokens in one Authorization header', withHeader(`Bearer ${token}, Bearer invalid`)],
    ['the token followed by another word', withHeader(`Bearer ${token} invalid`)],
    ['the token without a scheme', withHeader(token)],
    ['the token with the scheme Basic', withHeader(`Basic ${token}`)],
    ['the token with the scheme Token', withHeader(`Token ${token}`)],
    ['the token with the scheme BearerX', withHeader(`BearerX ${token}`)],
    ['the token in quotes', withHeader(`Bearer "${token}"`)],
    ['the token after a colon', withHeader(`Bearer: ${token}`)],
  ];
  return rows.map(([name, request]) => ({ name, kind: 'misplaced', request, token }));
}
