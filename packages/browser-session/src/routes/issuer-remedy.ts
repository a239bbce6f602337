import type { SessionConfig } from '../config.js';

type Parts = Pick<SessionConfig, 'origin' | 'path' | 'clientAuthentication' | 'scope'>;

/** Returns what an operator can do about an error code of the issuer; undefined if the code does not tell. Nothing of the issuer's own texts is repeated (rule 137). */
export function issuerRemedy(code: string, { origin, path, clientAuthentication, scope }: Parts): string | undefined {
  const redirectAddress = `${origin}${path}/callback`;
  switch (code) {
    case 'invalid_client':
      return `The issuer does not accept this client. Compare clientId and its credentials with the registration there, and check that it allows ${clientAuthentication}`;
    case 'invalid_request':
      return `Often the redirect address is not registered: register ${redirectAddress}, letter by letter. The issuer's own log names the cause`;
    case 'invalid_redirect_uri':
      return `Register ${redirectAddress} as redirect address, letter by letter`;
    case 'unauthorized_client':
      return 'At the issuer, allow this client the grants authorization_code and refresh_token';
    case 'unsupported_response_type':
      return 'At the issuer, allow this client the response type code';
    case 'invalid_scope':
      return `At the issuer, allow this client the scopes "${scope}", or ask for others with the option scope`;
    case 'invalid_target':
      return 'The issuer does not know an API of the option resource, or this client may not use it. Register the API there, or correct the option';
    case 'invalid_grant':
      return `The issuer does not accept the code: it was used before, is too old, or was issued for another redirect address than ${redirectAddress}`;
    default:
      return undefined;
  }
}
