import type { JsonObject } from '../lib/json.js';

/** The claims that verification looks at, whatever their types: `undefined` where a token has no such member of its own, or null. */
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
  /** Of ID tokens as a rule (OIDC Core s2). Keycloak before 25 and Azure AD B2C write it into access tokens, too. */
  hasNonce: boolean;
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
    hasNonce: false,
  };
  for (const name of Object.keys(claims)) {
    switch (name) {
      case 'iss':
        found.iss = claims['iss'] ?? undefined;
        break;
      case 'sub':
        found.sub = claims['sub'] ?? undefined;
        break;
      case 'aud':
        found.aud = claims['aud'] ?? undefined;
        break;
      case 'exp':
        found.exp = claims['exp'] ?? undefined;
        break;
      case 'nbf':
        found.nbf = claims['nbf'] ?? undefined;
        break;
      case 'iat':
        found.iat = claims['iat'] ?? undefined;
        break;
      case 'jti':
        found.jti = claims['jti'] ?? undefined;
        break;
      case 'sid':
        found.sid = claims['sid'] ?? undefined;
        break;
      case 'client_id':
        found.clientId = claims['client_id'] ?? undefined;
        break;
      case 'azp':
        found.azp = claims['azp'] ?? undefined;
        break;
      case 'act':
        found.act = claims['act'] ?? undefined;
        break;
      case 'cnf':
        found.cnf = claims['cnf'] ?? undefined;
        break;
      case 'scope':
        found.scope = claims['scope'] ?? undefined;
        break;
      case 'scp':
        found.scp = claims['scp'] ?? undefined;
        break;
      case 'typ':
        found.typ = claims['typ'] ?? undefined;
        break;
      case 'token_use':
        found.tokenUse = claims['token_use'] ?? undefined;
        break;
      case 'nonce':
        found.hasNonce = claims['nonce'] !== null;
        break;
      case 'at_hash':
      case 'c_hash':
      case 's_hash':
      case 'events':
      case 'htm':
      case 'htu':
      case 'response_type':
      case 'redirect_uri':
      case 'token_introspection':
        if (claims[name] !== null) found.ofAnotherToken = name;
        break;
    }
  }
  return found;
}

/**
 * The name of the claim that shows a token to be no access token. A `nonce` does only where nothing says that it is one.
 *
 * @param type the header's `typ`
 */
export function markOfAnotherToken({ ofAnotherToken, typ, tokenUse, hasNonce, scope, scp }: RegisteredClaims, type: string | undefined): string | undefined {
  if (ofAnotherToken !== undefined) return ofAnotherToken;
  if (isUseOfAnotherToken(typ)) return 'typ';
  if (isUseOfAnotherToken(tokenUse)) return 'token_use';
  if (!hasNonce || isAccessTokenHeader(type) || typ === 'Bearer' || tokenUse === 'access' || hasNames(scope) || hasNames(scp)) return undefined;
  return 'nonce';
}

const USES_OF_OTHER_TOKENS = new Set(['id', 'refresh', 'offline', 'logout']);

function isUseOfAnotherToken(use: unknown): boolean {
  return typeof use === 'string' && USES_OF_OTHER_TOKENS.has(use.toLowerCase());
}

/** RFC 9068 s2.1 */
function isAccessTokenHeader(type: string | undefined): boolean {
  return type !== undefined && /^(?:application\/)?at\+jwt$/i.test(type);
}

function hasNames(scope: unknown): boolean {
  if (typeof scope === 'string') return scope.trim() !== '';
  return Array.isArray(scope) && scope.length > 0 && scope.every((name) => typeof name === 'string' && name !== '');
}
