import {
  acr,
  ConfigurationError,
  createResourceGuard,
  IssuerRequestError,
  IssuerUnavailableError,
  KeysUnavailableError,
  rawToken,
  RevocationStoreError,
  TokenEndedError,
  TokenwardError,
  type Auth,
  type TokenwardErrorCode,
} from '@tokenward/core';
import { authOf } from '@tokenward/core/adapter';
import { createRevocationMirror, SessionStoreError } from '@tokenward/core/store';
import { TokenExchangeError } from '@tokenward/core/token-exchange';
import { expect, test } from 'vitest';

const ERRORS: Readonly<Record<TokenwardErrorCode, TokenwardError>> = {
  TOKENWARD_CONFIGURATION: new ConfigurationError([]),
  TOKENWARD_ISSUER_REQUEST: new IssuerRequestError('away'),
  TOKENWARD_ISSUER_UNAVAILABLE: new IssuerUnavailableError('away'),
  TOKENWARD_KEYS_UNAVAILABLE: new KeysUnavailableError('away'),
  TOKENWARD_REVOCATION_STORE: new RevocationStoreError('away'),
  TOKENWARD_SESSION_STORE: new SessionStoreError('away'),
  TOKENWARD_TOKEN_ENDED: new TokenEndedError('expired'),
  TOKENWARD_TOKEN_EXCHANGE: new TokenExchangeError('refused', 'away'),
};

test.each(Object.entries(ERRORS))('the error with the code %s is a TokenwardError', (code, error) => {
  expect(error).toBeInstanceOf(TokenwardError);
  expect(error).toBeInstanceOf(Error);
  expect(error.code).toBe(code);
});

test('an invalid call throws a ConfigurationError that names the call or its argument', () => {
  const guard = createResourceGuard({ issuer: 'https://login.example.com', audience: 'https://api.example.com' });
  const calls: readonly (readonly [string, () => unknown])[] = [
    ['acr()', () => acr()],
    ['getAuth()', () => authOf({})],
    ['rawToken(auth)', () => rawToken({} as Auth)],
    ['request.headers', () => guard.check({ method: 'GET', target: '/' } as never)],
    ['maxEntries', () => createRevocationMirror({ maxEntries: 0 })],
  ];
  for (const [path, call] of calls)
    expect(call).toThrow(expect.objectContaining({ code: 'TOKENWARD_CONFIGURATION', problems: [{ path, message: expect.any(String) }] }));
});

test('reading a decision before it is awaited throws a ConfigurationError', () => {
  const guard = createResourceGuard({ issuer: 'https://login.invalid', audience: 'https://api.example.com' });
  const header = Buffer.from('{"alg":"RS256","typ":"at+jwt"}').toString('base64url');
  const payload = Buffer.from('{"iss":"https://login.invalid"}').toString('base64url');
  const decision = guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${header}.${payload}.${'A'.repeat(342)}` } });
  expect(decision).toBeInstanceOf(Promise);
  expect(() => (decision as { outcome?: unknown }).outcome).toThrow(ConfigurationError);
  return guard.close();
});
