import { assertionKey, type PrivateKeyOption } from './assertion-key.js';
import type { ClientAuthentication } from './client-options.js';

/** Adds a client's credentials to a form, or returns them as header fields. It returns a promise only if it must sign something. */
export type AuthenticateClient = (form: URLSearchParams) => Record<string, string> | Promise<Record<string, string>>;

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly privateKey: PrivateKeyOption | undefined;
}

/** RFC 7521 s4.2 */
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** An assertion is used at once. The time covers clocks that differ. */
const ASSERTION_SECONDS = 60;

/**
 * Returns how a client authenticates at its authorization server (RFC 6749 s2.3, RFC 7523 s2.2). For `tls_client_auth`, the connection shows who the client is
 * (RFC 8705 s2).
 *
 * @param issuer the `aud` of assertions
 * @param nowMs the time for assertions, in milliseconds since the epoch
 */
export function clientAuthenticator(
  method: ClientAuthentication,
  { clientId, clientSecret = '', privateKey }: ClientCredentials,
  issuer: string,
  nowMs: () => number,
): AuthenticateClient {
  switch (method) {
    case 'client_secret_basic': {
      const authorization = `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`;
      return () => ({ authorization });
    }
    case 'client_secret_post':
      return (form) => {
        form.set('client_id', clientId);
        form.set('client_secret', clientSecret);
        return {};
      };
    case 'private_key_jwt':
      return assertingClient(clientId, privateKey!, issuer, nowMs);
    case 'tls_client_auth':
    case 'none':
      return (form) => {
        form.set('client_id', clientId);
        return {};
      };
  }
}

function assertingClient(clientId: string, privateKey: PrivateKeyOption, issuer: string, nowMs: () => number): AuthenticateClient {
  const { key, kid, algorithm } = assertionKey(privateKey);
  return async (form) => {
    // loaded with the first assertion, since most guards sign nothing
    const { SignJWT } = await import('jose');
    const now = Math.floor(nowMs() / 1000);
    const assertion = await new SignJWT({ iss: clientId, sub: clientId, aud: issuer, jti: crypto.randomUUID(), iat: now, exp: now + ASSERTION_SECONDS })
      .setProtectedHeader(kid === undefined ? { alg: algorithm } : { alg: algorithm, kid })
      .sign(key);
    form.set('client_id', clientId);
    form.set('client_assertion_type', JWT_BEARER);
    form.set('client_assertion', assertion);
    return {};
  };
}

/** Encodes one half of the credentials as a form does (RFC 6749 s2.3.1), so that a colon in it arrives intact. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
