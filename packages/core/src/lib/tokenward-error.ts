/** What every error that tokenward throws or rejects with says as its `code`: a closed set, stable over releases. */
export type TokenwardErrorCode =
  | 'TOKENWARD_CONFIGURATION'
  | 'TOKENWARD_ISSUER_REQUEST'
  | 'TOKENWARD_ISSUER_UNAVAILABLE'
  | 'TOKENWARD_KEYS_UNAVAILABLE'
  | 'TOKENWARD_REVOCATION_STORE'
  | 'TOKENWARD_TOKEN_ENDED';

/**
 * The base class of the errors that tokenward throws. A refused request is no error: see `Decision`.
 *
 * Compare the `code` where two copies of tokenward may be loaded: `instanceof` knows only its own copy's classes.
 *
 * @example
 * try { await guard.warm(); } catch (error) { if (error instanceof TokenwardError) logger.error(error.code); }
 */
export abstract class TokenwardError extends Error {
  abstract readonly code: TokenwardErrorCode;
}
