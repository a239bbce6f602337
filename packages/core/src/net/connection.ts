import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { Agent as HttpAgent, globalAgent as httpAgent, type AgentOptions, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, globalAgent as httpsAgent } from 'node:https';
import { isLoopback, isUnderLocalhost } from '../lib/url.js';
import { lookupPublic } from './public-address.js';

type Lookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/** The variables in which Node looks for proxies. undefined if it uses none. */
type ProxyEnvironment = Readonly<Record<string, string | undefined>> | undefined;

/**
 * Returns the options of Node's HTTP client for the connection of one request. Requests are rare, and a pooled connection might lead to another
 * address, so each request gets a connection of its own. Certificates are always verified, even if NODE_TLS_REJECT_UNAUTHORIZED is 0.
 *
 * @param publicOnly whether the host must have a public address. Not checked behind a proxy, which looks the address up itself
 * @param timeoutMs how long a proxy may take to open a tunnel. Node's client ignores the abort signal until it is open
 */
export function connectionOptions(url: string, publicOnly: boolean, timeoutMs: number): RequestOptions & { readonly rejectUnauthorized: true } {
  const { protocol, hostname } = new URL(url);
  const find: Lookup | undefined = publicOnly ? lookupPublic : isUnderLocalhost(hostname) ? lookup : undefined;
  // the proxy's own name is looked up as usual
  const ofTarget: Lookup | undefined =
    find &&
    ((name, options, callback) => (name === hostname ? find(isUnderLocalhost(name) ? 'localhost' : name, options, callback) : lookup(name, options, callback)));
  const agent = proxyAgent(protocol, hostname);
  return { agent: agent ?? false, rejectUnauthorized: true, ...(agent && { timeout: timeoutMs }), ...(ofTarget && { lookup: ofTarget }) };
}

/** Returns an agent that uses the proxy. A proxy is never used for loopback: behind it, that is another machine. */
function proxyAgent(protocol: string, hostname: string): HttpAgent | undefined {
  const proxyEnv = proxyEnvironment(protocol);
  if (!proxyEnv || isLoopback(hostname)) return undefined;
  const options = { proxyEnv, rejectUnauthorized: true };
  return protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options as AgentOptions);
}

/** Returns the variables if NODE_USE_ENV_PROXY, `--use-env-proxy` or `http.setGlobalProxyFromEnv()` lets Node use proxies. */
function proxyEnvironment(protocol: string): ProxyEnvironment {
  // some versions of @types/node lack `proxyEnv`
  const { options } = (protocol === 'https:' ? httpsAgent : httpAgent) as { readonly options?: { readonly proxyEnv?: ProxyEnvironment } };
  return options?.proxyEnv;
}

/** Returns the variable that names a proxy which Node does not use, or undefined. */
export function unusedProxyVariable(url: string): string | undefined {
  const { protocol, hostname } = new URL(url);
  if (isLoopback(hostname) || proxyEnvironment(protocol)) return undefined;
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  return [name, name.toLowerCase()].find((one) => (process.env[one] ?? '') !== '');
}

/**
 * Returns whether Node's own fetch would send a plain-http request for a loopback address to a proxy, where it can be read: unlike {@link connectionOptions}, it
 * exempts only what NO_PROXY lists. Only the address itself and `*` count as listed here.
 */
export function isProxiedLoopback({ protocol, hostname }: URL): boolean {
  if (protocol !== 'http:' || !isLoopback(hostname)) return false;
  // in some versions only fetch obeys the variable
  const env = proxyEnvironment(protocol) ?? (process.env['NODE_USE_ENV_PROXY'] === '1' ? process.env : undefined);
  if (!env || (env['http_proxy'] ?? env['HTTP_PROXY'] ?? '') === '') return false;
  const exempt = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').toLowerCase();
  return exempt.trim() !== '*' && !exempt.split(/[,\s]/).includes(hostname);
}
