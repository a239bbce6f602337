import { isLoopback, shown, urlProblem, type OptionReader } from '@tokenward/core/store';
import { safeReturnTo } from '../return-to.js';

/** RFC 6749 s3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;
/** RFC 6265bis s4.1.1: a token. Fewer characters than allowed: no dot, since chunks have a dot and a number after the name. */
const COOKIE_NAME = /^[A-Za-z\d_-]{1,40}$/;
const PREFIX = '__Host-';
const PATH = /^(?:\/[A-Za-z\d_-]{1,40}){1,5}$/;
const MIN_SECRET_LENGTH = 32;
/** A random secret of this length in hexadecimal or base64 has more different characters. `aaaa...` or `secretsecret...` has not. */
const MIN_DIFFERENT_CHARACTERS = 10;
const MAX_SECRETS = 10;
const MAX_SCOPE_LENGTH = 2000;
const MAX_RESOURCES = 10;

/** Reads the app's own origin. Nothing of it is ever read from a request. */
export function readOrigin(reader: OptionReader, name: string): string {
  const origin = reader.get(name);
  if (origin === undefined) {
    reader.wrong(name, "is missing: set it to this app's public origin, such as https://app.example.com");
    return '';
  }
  const problem = typeof origin === 'string' ? originProblem(origin) : 'must be a string';
  if (problem !== undefined) reader.wrong(name, `${problem} (got ${shown(origin, 'url')})`);
  return typeof origin === 'string' ? origin : '';
}

function originProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return 'is not an absolute URL';
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    return 'must use https: browsers keep the session cookie only then. Only loopback addresses may use http';
  const problem = urlProblem(text);
  if (problem !== undefined) return problem;
  return url.origin === text ? undefined : `must be an origin alone, without a path or a slash at its end. Write ${shown(url.origin, 'url')}`;
}

/** Reads where the routes are. */
export function readPath(reader: OptionReader, name: string): string {
  const path = reader.text(name, '/session');
  if (!PATH.test(path))
    reader.wrong(name, `must be one to five segments of letters, digits, "-" and "_", each with a slash before it, such as /session (got ${shown(path)})`);
  return path;
}

/** Reads a path of this app, to which a browser is sent. */
export function readAppPath(reader: OptionReader, name: string, defaultValue: string): string {
  const path = reader.text(name, defaultValue);
  // any origin does: a path leads to the same path on all of them
  if (!path.startsWith('/') || safeReturnTo(path, 'https://app.example') !== path)
    reader.wrong(name, `must be a path of this app, such as / or /goodbye (got ${shown(path)})`);
  return path;
}

/** Reads the scopes. Without `openid` there is no ID token, and nobody knows who logged in. */
export function readScope(reader: OptionReader, name: string): string {
  const scope = reader.text(name, 'openid offline_access');
  if (scope.length > MAX_SCOPE_LENGTH || !SCOPE.test(scope))
    reader.wrong(name, `must be scopes with one space between them, at most ${MAX_SCOPE_LENGTH} characters (got ${shown(scope)})`);
  else if (/^openid[,;+]|[,;+]openid(?:[,;+]|$)/.test(scope))
    reader.wrong(name, `must have spaces between its scopes. Write "${scope.split(/[,;+ ]+/).join(' ')}"`);
  else if (!scope.split(' ').includes('openid')) reader.wrong(name, 'lacks openid. Without it the issuer does not say who logged in. Add openid');
  return scope;
}

/** Reads the APIs that the access token is for (RFC 8707 s2: absolute URIs without a fragment). */
export function readResource(reader: OptionReader, name: string): readonly string[] {
  const value = reader.get(name);
  if (value === undefined) return [];
  const resources = typeof value === 'string' ? [value] : (reader.texts(name) ?? []);
  if (resources.length > MAX_RESOURCES) reader.wrong(name, `must list at most ${MAX_RESOURCES} APIs (got ${resources.length})`);
  for (const resource of resources) {
    if (!/^[a-z][a-z\d+.-]*:[\x21\x22\x24-\x7e]+$/i.test(resource) || !URL.canParse(resource))
      reader.wrong(name, `must be an absolute URI without a fragment (got ${shown(resource, 'url')})`);
  }
  return resources;
}

/** Reads the key ring. A secret is never repeated in a message. */
export function readSecrets(reader: OptionReader, name: string): readonly string[] {
  const value = reader.get(name);
  if (value === undefined) {
    reader.wrong(
      name,
      `is missing: set it to a list of random secrets, each of at least ${MIN_SECRET_LENGTH} characters, such as openssl rand -base64 32 makes`,
    );
    return [];
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SECRETS) {
    reader.wrong(name, `must be a list of 1 to ${MAX_SECRETS} secrets (got ${shown(value)})`);
    return [];
  }
  const secrets = Array.from(value as unknown[]);
  for (const [index, secret] of secrets.entries()) {
    const problem = secretProblem(secret);
    if (problem !== undefined) reader.wrong(`${name}[${index}]`, problem);
  }
  if (new Set(secrets).size < secrets.length) reader.wrong(name, 'has the same secret twice. Remove one');
  return secrets as string[];
}

function secretProblem(secret: unknown): string | undefined {
  if (typeof secret !== 'string') return `must be a string (got ${shown(secret)}). Is the environment variable set?`;
  if (secret !== secret.trim()) return 'begins or ends with white space, such as the line break at the end of a file. Remove it, for example with trim()';
  if (secret.length < MIN_SECRET_LENGTH)
    return `must have at least ${MIN_SECRET_LENGTH} characters (got ${secret.length}). Make one with: openssl rand -base64 32`;
  if (new Set(secret).size < MIN_DIFFERENT_CHARACTERS) return 'is not random: it repeats a few characters. Make one with: openssl rand -base64 32';
  return undefined;
}

/** Reads the name of the session cookie. Returns it with the prefix. */
export function readCookieName(reader: OptionReader, name: string): string {
  const given = reader.text(name, 'session');
  if (!COOKIE_NAME.test(given) || /^__(?:host|secure)-/i.test(given))
    reader.wrong(name, `must be 1 to 40 letters, digits, "-" or "_", without the prefix ${PREFIX}, which is added (got ${shown(given, 'name')})`);
  else if (/^(?:login(?:-|$)|logout$)/i.test(given))
    reader.wrong(name, 'must not be login or logout, nor begin with login-: the cookies of logins and of the logout page have such names');
  return `${PREFIX}${given}`;
}
