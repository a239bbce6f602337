import { existsSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { unusedProxyVariable } from '@tokenward/core/diagnosis';
import { isLoopback } from '@tokenward/core/store';
import { hostnameOf } from '../lib/loopback.js';
import { fail, note, ok, skip, warn, type Check } from './check.js';

type Environment = Readonly<Record<string, string | undefined>>;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 12))
    return fail('node', `Node ${version}`, 'Install Node 22.12 or newer: older versions cannot load the packages.');
  if (major % 2 === 1)
    return warn('node', `Node ${version} is not a long-term release`, 'Use an even version in production: it gets security fixes for years.');
  return ok('node', `Node ${version}`);
}

/** Checks the variables by which Node trusts certificates and finds proxies. */
export function checkVariables(url: string, env: Environment): Check[] {
  const checks: Check[] = [];
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    checks.push(
      warn(
        'variables',
        'NODE_TLS_REJECT_UNAUTHORIZED is 0',
        'Remove it: it opens every other connection of the process. The guard verifies certificates anyway.',
      ),
    );
  }
  const extra = env['NODE_EXTRA_CA_CERTS'];
  if (extra) {
    checks.push(
      existsSync(extra)
        ? note('variables', 'NODE_EXTRA_CA_CERTS is set, so Node trusts the authorities in that file as well')
        : fail('variables', 'NODE_EXTRA_CA_CERTS names a file that does not exist', 'Correct the path. Node ignores a missing file.'),
    );
  }
  const unused = unusedProxyVariable(url);
  if (unused)
    checks.push(
      warn(
        'proxy',
        `${unused} is set, but Node uses it only with NODE_USE_ENV_PROXY=1`,
        'If the issuer can only be reached through the proxy, set NODE_USE_ENV_PROXY=1 where the app starts.',
      ),
    );
  else if (proxyOf(url, env)) checks.push(note('proxy', `requests go through the proxy in ${proxyOf(url, env)}`));
  return checks;
}

/** Returns the variable whose proxy Node uses for a URL; undefined if it connects directly. Its value may hold a password. */
export function proxyOf(url: string, env: Environment): string | undefined {
  const { protocol, hostname, port } = new URL(url);
  if (isLoopback(hostname) || unusedProxyVariable(url) !== undefined) return undefined;
  const [name, byDefault] = protocol === 'https:' ? ['HTTPS_PROXY', '443'] : ['HTTP_PROXY', '80'];
  // as Node reads it, apart from ranges of addresses
  const exempt = (env['no_proxy'] || env['NO_PROXY'] || '').toLowerCase().split(',');
  const names = new Set(['*', hostname, `${hostname}:${port || byDefault}`]);
  const isExempt = (one: string): boolean =>
    names.has(one) || (one.startsWith('.') && `.${hostname}`.endsWith(one)) || (one.startsWith('*.') && hostname.endsWith(one.slice(1)));
  if (exempt.some((one) => isExempt(one.trim()))) return undefined;
  return [name.toLowerCase(), name].find((one) => env[one]);
}

/** Looks the host up as Node does when it connects. */
export async function checkDns(url: string, timeoutMs: number): Promise<Check> {
  const address = new URL(url);
  const { hostname } = address;
  const host = hostnameOf(address);
  if (isIP(host)) return skip('dns', `${host} is an address`);
  if (isLoopback(hostname)) return skip('dns', `${hostname} is this machine`);
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(Object.assign(new Error('late'), { code: 'ETIMEOUT' })), timeoutMs);
    });
    const found = await Promise.race([lookup(host, { all: true }), late]);
    return ok(
      'dns',
      `${host} is ${found
        .slice(0, 4)
        .map(({ address }) => address)
        .join(', ')}${found.length > 4 ? ' and more' : ''}`,
    );
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    return fail(
      'dns',
      `${host} cannot be looked up (${code})`,
      'Check the spelling of the issuer. In a container, check that it uses the name server of your network; for a name that exists only there, set metadataUrl.',
    );
  } finally {
    clearTimeout(timer);
  }
}
