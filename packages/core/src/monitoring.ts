import { randomInt } from 'node:crypto';
import type { Clock } from './clock.js';
import type { Auth } from './auth.js';
import { isObserved, publish } from './events.js';
import type { OptionReader } from './option-reader.js';
import type { ProtectedRequest } from './seam.js';
import { printable } from './url.js';

/** From when on it is told that tokens are used strangely. Nothing is refused by it, and it costs nothing where nobody listens. */
export interface MonitoringOptions {
  /** `tokenward:token-reused`: a token, or a session, from more client addresses, or more user agents, than this within the window. Default: 5. */
  readonly maxPlaces?: number | undefined;
  /** Default: 3600. */
  readonly windowSeconds?: number | undefined;
  /** So many tokens and sessions are watched at once, the latest. Default: 10000. */
  readonly maxWatched?: number | undefined;
  /** `tokenward:long-lived-token`: a token that was made to live longer (`exp` - `iat`). Default: 86400. */
  readonly longLivedSeconds?: number | undefined;
}

export type MonitoringConfig = { readonly [N in keyof MonitoringOptions]-?: number };

/** What is looked at beside the decisions. */
export interface Monitor {
  /** At each request that a token was accepted for. */
  accepted(auth: Auth, request: ProtectedRequest): void;
  /** At a token that was not known before. */
  verified(auth: Auth, nowSeconds: number): void;
}

export function readMonitoring(reader: OptionReader): MonitoringConfig {
  const inner = reader.inner('monitoring', ['maxPlaces', 'windowSeconds', 'maxWatched', 'longLivedSeconds']);
  return {
    maxPlaces: inner.number('maxPlaces', 5, { least: 1, most: 1000, whole: true }),
    windowSeconds: inner.number('windowSeconds', 3600, { least: 1, most: 604_800 }),
    maxWatched: inner.number('maxWatched', 10_000, { least: 1, most: 1_000_000, whole: true }),
    longLivedSeconds: inner.number('longLivedSeconds', 86_400, { least: 1 }),
  };
}

export function createMonitor(config: MonitoringConfig, clock: Clock): Monitor {
  const watches = { token: createReuseWatch(config, clock), session: createReuseWatch(config, clock) };

  function look(by: 'token' | 'session', issuer: string, name: string | undefined, request: ProtectedRequest): void {
    const places = name === undefined ? 0 : watches[by](issuer, name, request);
    if (places > 0) publish('tokenward:token-reused', { issuer, by, places, windowSeconds: config.windowSeconds });
  }

  return {
    accepted({ issuer, tokenId, sessionId }, request) {
      if (!isObserved('tokenward:token-reused')) return;
      look('token', issuer, tokenId, request);
      look('session', issuer, sessionId, request);
    },
    verified({ issuer, issuedAt, expiresAt, clientId }, nowSeconds) {
      const lifetimeSeconds = expiresAt - issuedAt;
      if (lifetimeSeconds > config.longLivedSeconds)
        publish('tokenward:long-lived-token', { issuer, lifetimeSeconds, clientId: clientId && printable(clientId) });
      // what is less than a second is how iat is written
      if (issuedAt - nowSeconds >= 1) publish('tokenward:clock-skew', { issuer, skewSeconds: issuedAt - nowSeconds });
    },
  };
}

/** The places of one token or session, as numbers that mean nothing to anybody. */
interface Places {
  readonly addresses: number[];
  readonly userAgents: number[];
  told: boolean;
}

/** @returns how many places it is, when it is first too many within a window; else 0 */
type ReuseWatch = (issuer: string, name: string, request: ProtectedRequest) => number;

function createReuseWatch({ maxPlaces, windowSeconds, maxWatched }: MonitoringConfig, clock: Clock): ReuseWatch {
  const watched = new Map<string, Places>();
  let seed = 0;
  let windowEnds = -Infinity;

  function placesOf(issuer: string, name: string): Places {
    const key = `${name}\n${issuer}`;
    let places = watched.get(key);
    if (!places) {
      if (watched.size >= maxWatched) watched.delete(watched.keys().next().value!);
      watched.set(key, (places = { addresses: [], userAgents: [], told: false }));
    }
    return places;
  }

  return (issuer, name, { clientAddress, headers }) => {
    const now = clock.monotonic();
    if (now >= windowEnds) {
      windowEnds = now + windowSeconds * 1000;
      watched.clear();
      seed = randomInt(2 ** 32);
    }
    const userAgent = headers['user-agent'];
    const places = placesOf(issuer, name);
    if (places.told) return 0;
    if (clientAddress !== undefined) add(places.addresses, digest(networkOf(clientAddress), seed));
    if (typeof userAgent === 'string') add(places.userAgents, digest(userAgent, seed));
    const most = Math.max(places.addresses.length, places.userAgents.length);
    if (most <= maxPlaces) return 0;
    places.told = true;
    return most;
  };
}

function add(to: number[], place: number): void {
  if (!to.includes(place)) to.push(place);
}

/** One household, or one host, has all of an IPv6 network's 64 bits (RFC 4291 s2.5.4), and changes its address within (RFC 8981). */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  let colon = -1;
  for (let group = 0; group < 4; group++) {
    colon = address.indexOf(':', colon + 1);
    if (colon < 0) return address;
  }
  return address.slice(0, colon);
}

/** FNV-1a, begun with a seed that nobody knows and that each window has anew. */
function digest(text: string, seed: number): number {
  let hash = seed;
  const length = Math.min(text.length, 256);
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
