import type { AuthenticateClient } from '../net/client-authentication.js';
import type { Endpoint } from '../net/endpoint-call.js';
import type { FetchLimits } from '../net/fetch-json.js';
import type { TlsParts, Transport } from '../net/transport.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { IntrospectionCache } from './introspection-cache.js';

/** The introspection of one issuer: its options, validated and complete. */
export interface IntrospectionConfig {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  /** What a fetch of the issuer's metadata shows and trusts. */
  readonly access: FetchLimits['access'];
  readonly authenticate: AuthenticateClient;
  /** A function, so that no inspection of an issuer shows the key. */
  readonly tls: () => TlsParts | undefined;
  readonly clientId: string | undefined;
  /** Names the caller in the keys of caches: endpoint, client and way of authentication. */
  readonly identity: string;
  /** Whether JWTs of the issuer are introspected too, instead of verified here. */
  readonly always: boolean;
  /** undefined: every opaque token. */
  readonly accepts: ((token: string, request: ProtectedRequest) => boolean) | undefined;
  readonly signed: boolean;
  readonly cacheSeconds: number;
  readonly inactiveCacheSeconds: number;
  readonly maxEntries: number;
  readonly timeoutSeconds: number;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly cache: IntrospectionCache | undefined;
  /** The secret that seals answers in the shared cache. */
  readonly cacheSecret: () => string | undefined;
  readonly acceptsWithoutIssuer: boolean;
  readonly acceptsWithoutAudience: boolean;
  readonly acceptsWithoutExpiry: boolean;
  /** Why the file with the bearer token could not be read again. Its last good token is still used. */
  readonly fileError: () => string | undefined;
  /** Stops watching files. */
  close(): void;
}
