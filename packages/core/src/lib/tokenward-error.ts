/** The `code` of the errors that tokenward throws or rejects with. A closed set, stable across releases. */
export type TokenwardErrorCode =
  | 'TOKENWARD_CONFIGURATION'
  | 'TOKENWARD_ISSUER_REQUEST'
  | 'TOKENWARD_ISSUER_UNAVAILABLE'
  | 'TOKENWARD_KEYS_UNAVAILABLE'
  | 'TOKENWARD_REVOCATION_STORE'
  | 'TOKENWARD_SESSION_STORE'
  | 'TOKENWARD_TOKEN_ENDED'
  | 'TOKENWARD_TOKEN_EXCHANGE';

/**
 * The base class of the errors that tokenward throws. A refused request is not an error: see `Decision`.
 *
 * If two copies of tokenward may be loaded, compare the `code`: `instanceof` knows only the classes of its own copy.
 *
 * @example
 * try { await guard.warm(); } catch (error) { if (error instanceof TokenwardError) logger.error(error.code); }
 */
export abstract class TokenwardError extends Error {
  abstract readonly code: TokenwardErrorCode;
}
