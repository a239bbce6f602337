import { assertionKey } from '@tokenward/core/store';
import * as oidc from 'openid-client';
import type { SessionConfig } from '../config.js';

const PUBLIC_CLIENT =
  'tokenward: clientAuthentication is none, so whoever steals a code or a refresh token can use it. A backend should be a confidential client (RFC 10017): set clientSecret, privateKey or tls';

/** Returns how the app authenticates to the issuer (RFC 6749 s2.3, RFC 7523 s2.2, RFC 8705 s2). */
export function authenticationOf({ clientAuthentication, clientSecret, privateKey }: SessionConfig): oidc.ClientAuth {
  switch (clientAuthentication) {
    case 'client_secret_basic':
      return oidc.ClientSecretBasic(clientSecret);
    case 'client_secret_post':
      return oidc.ClientSecretPost(clientSecret);
    case 'private_key_jwt': {
      const { key, kid, algorithm } = assertionKey(privateKey!);
      // Ed25519 keys sign for `EdDSA` (RFC 8037) and for `Ed25519` (RFC 9864) alike
      const modify = (header: Record<string, unknown>): void => void (header['alg'] = algorithm);
      return oidc.PrivateKeyJwt(kid === undefined ? { key } : { key, kid }, { [oidc.modifyAssertion]: modify });
    }
    case 'tls_client_auth':
      return oidc.TlsClientAuth();
    case 'none':
      process.emitWarning(PUBLIC_CLIENT, { code: 'TOKENWARD_SESSION' });
      return oidc.None();
  }
}
