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

/** Where Node takes proxies from; undefined: it uses none. */
type ProxyEnvironment = Readonly<Record<string, string | undefined>> | undefined;

/**
 * How one request connects. Each has a connection of its own: they are rare, and another's pooled one might lead elsewhere. Certificates are
 * always checked, whatever NODE_TLS_REJECT_UNAUTHORIZED says.
 *
 * @param publicOnly the host must have a public address. Through a proxy, nobody here sees the address.
 * @param timeoutMs how long a proxy may take to open a tunnel: Node's client looks at no signal before it is open
 */
export function connectionOptions(url: string, publicOnly: boolean, timeoutMs: number): RequestOptions & { readonly rejectUnauthorized: true } {
  const { protocol, hostname } = new URL(url);
  const find: Lookup | undefined = publicOnly ? lookupPublic : isUnderLocalhost(hostname) ? lookup : undefined;
  // a proxy's own name is looked up as usual
  const ofTarget: Lookup | undefined =
    find &&
    ((name, options, callback) => (name === hostname ? find(isUnderLocalhost(name) ? 'localhost' : name, options, callback) : lookup(name, options, callback)));
  const agent = proxyAgent(protocol, hostname);
  return { agent: agent ?? false, rejectUnauthorized: true, ...(agent && { timeout: timeoutMs }), ...(ofTarget && { lookup: ofTarget }) };
}

/** Loopback is never asked for through a proxy: there it would be another machine. */
function proxyAgent(protocol: string, hostname: string): HttpAgent | undefined {
  const proxyEnv = proxyEnvironment(protocol);
  if (!proxyEnv || isLoopback(hostname)) return undefined;
  const options = { proxyEnv, rejectUnauthorized: true };
  return protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options as AgentOptions);
}

/** As Node was told by NODE_USE_ENV_PROXY, `--use-env-proxy` or `http.setGlobalProxyFromEnv()`. */
function proxyEnvironment(protocol: string): ProxyEnvironment {
  // not in the types of every version of Node
  const { options } = (protocol === 'https:' ? httpsAgent : httpAgent) as { readonly options?: { readonly proxyEnv?: ProxyEnvironment } };
  return options?.proxyEnv;
}

/** The variable that names a proxy which Node was not told to use; undefined where there is none. */
export function unusedProxyVariable(url: string): string | undefined {
  const { protocol, hostname } = new URL(url);
  if (isLoopback(hostname) || proxyEnvironment(protocol)) return undefined;
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  return [name, name.toLowerCase()].find((one) => (process.env[one] ?? '') !== '');
}
