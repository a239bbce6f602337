import type { Clock } from '@tokenward/core';
import type { RevocationStore, SessionStore } from '@tokenward/core/store';
import type { BrowserSessionOptions, ClientAuthentication } from './browser-session-options.js';

/** The options of a browser session, validated and complete. Times are in seconds. */
export interface SessionConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly clientAuthentication: ClientAuthentication;
  readonly privateKey: BrowserSessionOptions['privateKey'];
  readonly tls: BrowserSessionOptions['tls'];
  /** `https://app.example.com`: without a slash at the end. */
  readonly origin: string;
  /** `/session`: it begins with a slash, and does not end with one. */
  readonly path: string;
  readonly scope: string;
  readonly resource: readonly string[];
  readonly audience: string | undefined;
  readonly authorizationParameters: Readonly<Record<string, string>>;
  /** Whether a value is accepted, for each parameter that a page may choose. */
  readonly loginParameters: ReadonlyMap<string, (value: string) => boolean>;
  readonly secrets: readonly string[];
  readonly store: SessionStore | undefined;
  readonly refreshStore: SessionStore | undefined;
  readonly revocations: RevocationStore;
  /** Whether other processes may add revocations: the store is one of the options. */
  readonly sharesRevocations: boolean;
  readonly mode: 'bff' | 'token-mediating';
  readonly idleSeconds: number;
  readonly maxSeconds: number;
  readonly refreshAheadSeconds: number;
  readonly accessTokenSeconds: number | undefined;
  readonly loginSeconds: number;
  /** With its prefix: `__Host-session`. */
  readonly cookieName: string;
  readonly sameSite: 'Strict' | 'Lax';
  readonly afterLogout: string;
  readonly metadataUrl: string | undefined;
  readonly unsafeHttpHosts: ReadonlySet<string>;
  readonly clockSkewSeconds: number;
  readonly timeoutSeconds: number;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly clock: Clock;
}
