import { asSigningKey, generatePrivateKey, hostileTokens, type HostileIssuer, type HostileToken, type SigningKey } from '@tokenward/testing';
import type { ProviderSettings } from './provider.js';
import { object, string } from './members.js';
import { assertAudience, checked } from './minting.js';

/** What `tokenward attack` asks for. */
export interface HostileRequest {
  readonly audience?: string;
  /** Claims of the valid token that each hostile one spoils. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Signs hostile tokens, and publishes the invalid keys that some of them need, for a while. */
export interface HostileKeys {
  sign(request: object): Promise<readonly HostileToken[]>;
  /** The keys to publish besides the issuer's own. */
  published(): readonly SigningKey['publicJwk'][];
  /** Publishes the issuer's own key alone again. */
  withdraw(): void;
}

/** An attack that is interrupted withdraws nothing. */
const PUBLISHED_MS = 5 * 60_000;

export function createHostileKeys({ issuer, audiences, key }: ProviderSettings): HostileKeys {
  let extra: SigningKey[] = [];
  let publishedUntil = 0;

  return {
    async sign(asked) {
      const { audience = audiences[0]!, claims = {} } = checked<HostileRequest>(asked, { audience: string, claims: object });
      assertAudience(audience, audiences);
      const keys: SigningKey[] = [];
      const own = asSigningKey('RS256', key.privateKey, key.kid);
      const hostileIssuer: HostileIssuer = {
        issuer,
        audience,
        async signingKey(algorithm = 'RS256') {
          if (algorithm === 'RS256') return own;
          const made = asSigningKey(algorithm, await generatePrivateKey(algorithm));
          keys.push(made);
          return made;
        },
        publishKey: (made) => void keys.push(made),
      };
      const tokens = await hostileTokens(hostileIssuer, { claims });
      extra = keys;
      publishedUntil = Date.now() + PUBLISHED_MS;
      return tokens;
    },
    published: () => (Date.now() < publishedUntil ? extra.map(({ publicJwk }) => publicJwk) : []),
    withdraw() {
      extra = [];
      publishedUntil = 0;
    },
  };
}
