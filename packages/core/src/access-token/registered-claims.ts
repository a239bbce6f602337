import type { JsonObject } from './json.js';

/** The claims that verification looks at, whatever their types: `undefined` where a token has no such member of its own. */
export interface RegisteredClaims {
  iss: unknown;
  sub: unknown;
  aud: unknown;
  exp: unknown;
  nbf: unknown;
  iat: unknown;
  jti: unknown;
  sid: unknown;
  clientId: unknown;
  azp: unknown;
  act: unknown;
  cnf: unknown;
  scope: unknown;
  scp: unknown;
  /** What Keycloak writes there. */
  typ: unknown;
  /** What Cognito writes there. */
  tokenUse: unknown;
  /**
   * The name of a member that only other tokens have (RFC 8725 s3.12): ID tokens (OIDC Core s2, s3.1.3.6, s3.3.2.11), logout tokens and security events
   * (RFC 8417), DPoP proofs (RFC 9449), request objects (RFC 9101) and introspection answers (RFC 9701).
   */
  ofAnotherToken: string | undefined;
}

/**
 * One walk over a token's own members. It costs a tenth of asking for each of them by name, and a name that an object inherits, from a polluted
 * prototype too, is never seen.
 */
export function registeredClaims(claims: JsonObject): RegisteredClaims {
  const found: RegisteredClaims = {
    iss: undefined,
    sub: undefined,
    aud: undefined,
    exp: undefined,
    nbf: undefined,
    iat: undefined,
    jti: undefined,
    sid: undefined,
    clientId: undefined,
    azp: undefined,
    act: undefined,
    cnf: undefined,
    scope: undefined,
    scp: undefined,
    typ: undefined,
    tokenUse: undefined,
    ofAnotherToken: undefined,
  };
  for (const name of Object.keys(claims)) {
    switch (name) {
      case 'iss':
        found.iss = claims['iss'];
        break;
      case 'sub':
        found.sub = claims['sub'];
        break;
      case 'aud':
        found.aud = claims['aud'];
        break;
      case 'exp':
        found.exp = claims['exp'];
        break;
      case 'nbf':
        found.nbf = claims['nbf'];
        break;
      case 'iat':
        found.iat = claims['iat'];
        break;
      case 'jti':
        found.jti = claims['jti'];
        break;
      case 'sid':
        found.sid = claims['sid'];
        break;
      case 'client_id':
        found.clientId = claims['client_id'];
        break;
      case 'azp':
        found.azp = claims['azp'];
        break;
      case 'act':
        found.act = claims['act'];
        break;
      case 'cnf':
        found.cnf = claims['cnf'];
        break;
      case 'scope':
        found.scope = claims['scope'];
        break;
      case 'scp':
        found.scp = claims['scp'];
        break;
      case 'typ':
        found.typ = claims['typ'];
        break;
      case 'token_use':
        found.tokenUse = claims['token_use'];
        break;
      case 'nonce':
      case 'at_hash':
      case 'c_hash':
      case 's_hash':
      case 'events':
      case 'htm':
      case 'htu':
      case 'response_type':
      case 'redirect_uri':
      case 'token_introspection':
        found.ofAnotherToken = name;
        break;
    }
  }
  return found;
}
