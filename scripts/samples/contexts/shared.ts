// Names that samples of every framework may use.
import type { Auth as AnyAuth, Policy as AnyPolicy, ProtectedRequest } from '@tokenward/core';
import type { RevocationStore } from '@tokenward/core/store';

declare global {
  type Auth = AnyAuth;
  type Policy = AnyPolicy;
  interface MyClaims {
    tenant: string;
  }
  const issuer: string;
  const audience: string;
  const partnerAudience: string;
  const auth: Auth;
  const request: ProtectedRequest;
  /** The origin of an app under test, and the URL of a route. */
  const origin: string;
  const url: string;
  function close(): Promise<void>;
  const store: RevocationStore;
  function openAnother(): Promise<RevocationStore>;
  const secret: string;
  const newSecret: Uint8Array;
  const oldSecret: Uint8Array;
  const refreshToken: string;
  const accessToken: string;
  const logger: Record<'info' | 'warn' | 'error', (object: unknown, message: string) => void>;
  const revoked: ReadonlySet<unknown>;
  function isOpen(at: Date): boolean;
}
