import { printableUrl, urlProblem } from '@tokenward/core/store';
import { note, warn, type Check } from './check.js';
import type { Metadata } from './issuer.js';

const METHODS = new Set([
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
]);

const ENDPOINTS = [
  {
    name: 'introspection',
    member: 'introspection_endpoint',
    without: 'the issuer has none, so opaque tokens cannot be checked',
    needs: 'Set introspection with the client of this API if tokens are opaque. For JWTs it is not needed.',
  },
  {
    name: 'revocation',
    member: 'revocation_endpoint',
    without: 'the issuer has none',
    needs: 'It is for clients that give their tokens back. createIssuerClient() can call it with the credentials of a client.',
  },
] as const;

/** Says which endpoints the metadata names, and what they need. Nothing is sent to them. */
export function checkEndpoints({ document }: Metadata, unsafeHttpHosts: ReadonlySet<string>): readonly Check[] {
  return ENDPOINTS.map(({ name, member, without, needs }) => {
    const url = Object.hasOwn(document, member) ? document[member] : undefined;
    if (typeof url !== 'string') return note(name, without);
    const problem = urlProblem(url, unsafeHttpHosts);
    if (problem) return warn(name, `its address ${problem}`, `Correct ${member} at the authorization server.`);
    const methods = document[`${member}_auth_methods_supported`] ?? document['token_endpoint_auth_methods_supported'];
    const known = Array.isArray(methods) ? methods.filter((one): one is string => typeof one === 'string' && METHODS.has(one)) : [];
    return note(name, `${printableUrl(url)}${known.length > 0 ? `, which takes ${known.join(', ')}` : ''}`, needs);
  });
}
