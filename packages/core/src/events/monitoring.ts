import { randomInt } from 'node:crypto';
import type { Clock } from '../lib/clock.js';
import type { Auth } from '../auth/auth.js';
import { observersOf, publish } from './events.js';
import { MOST_SECONDS } from '../lib/limit.js';
import { createLruMap } from '../lib/lru.js';
import type { OptionReader } from '../lib/option-reader.js';
import { numberOption, readInnerTable, type OptionTable } from '../lib/option-table.js';
import { linesOf } from '../request/fields.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { printable } from '../lib/url.js';

/** Thresholds for anomaly events. They never refuse a request, and cost nothing if nobody listens. */
export interface MonitoringOptions {
  /**
   * `tokenward:token-reused` reports a token or session from more client addresses, or more user agents, than this within the window. Default: 5.
   */
  readonly maxPlaces?: number | undefined;
  /** Default: 3600. */
  readonly windowSeconds?: number | undefined;
  /** How many tokens, and how many sessions, are watched at once. A new one replaces the oldest. Default: 10000. */
  readonly maxWatched?: number | undefined;
  /** `tokenward:long-lived-token` reports tokens with a longer lifetime (`exp` - `iat`). Default: 86400. */
  readonly longLivedSeconds?: number | undefined;
}

export type MonitoringConfig = { readonly [N in keyof MonitoringOptions]-?: number };

const MAX_ISSUERS = 1000;
const REUSED = observersOf('tokenward:token-reused');

/** Publishes events about anomalies. */
export interface Monitor {
  /** Call it for each accepted token. */
  accepted(auth: Auth, request: ProtectedRequest): void;
  /** Call it for each accepted token that was not cached. */
  verified(auth: Auth, nowSeconds: number): void;
  /** Call it for each token with a valid signature that is refused because its `iat` is in the future. */
  refusedAsFuture(issuer: string, issuedAt: number, nowSeconds: number): void;
  /** Returns by how many seconds an issuer's clock was observed to be ahead of this one, or 0. */
  aheadOf(issuer: string): number;
}

const MONITORING = {
  maxPlaces: numberOption(5, { least: 1, most: 1000, whole: true }),
  windowSeconds: numberOption(3600, { least: 1, most: 604_800 }),
  maxWatched: numberOption(10_000, { least: 1, most: 1_000_000, whole: true }),
  longLivedSeconds: numberOption(86_400, { least: 1, most: MOST_SECONDS }),
} satisfies OptionTable<MonitoringOptions>;

export function readMonitoring(reader: OptionReader): MonitoringConfig {
  return readInnerTable(reader, 'monitoring', MONITORING);
}

export function createMonitor(config: MonitoringConfig, clock: Clock): Monitor {
  const { maxPlaces, windowSeconds, maxWatched, longLivedSeconds } = config;
  const watched = { token: new Map<string, Places>(), session: new Map<string, Places>() };
  const ahead = createLruMap<number>(MAX_ISSUERS);
  let seed = 0;
  let windowEnds = -Infinity;

  function countPlaces(by: 'token' | 'session', issuer: string, name: string, address: number | undefined, userAgent: number | undefined): void {
    const places = placesOf(watched[by], issuer, name, maxWatched);
    if (places.isReported) return;
    if (address !== undefined) add(places.addresses, address);
    if (userAgent !== undefined) add(places.userAgents, userAgent);
    const most = Math.max(places.addresses.length, places.userAgents.length);
    if (most <= maxPlaces) return;
    places.isReported = true;
    publish('tokenward:token-reused', { issuer, by, places: most, windowSeconds });
  }

  return {
    accepted({ issuer, tokenId, sessionId }, request) {
      if (!REUSED.hasSubscribers || (tokenId === undefined && sessionId === undefined)) return;
      // read only now, because Express and Koa parse the forwarding headers for clientAddress
      const { clientAddress } = request;
      const now = clock.monotonic();
      if (now >= windowEnds) {
        windowEnds = now + windowSeconds * 1000;
        watched.token.clear();
        watched.session.clear();
        seed = randomInt(2 ** 32);
      }
      const [agent] = linesOf(request, 'user-agent');
      const address = clientAddress === undefined ? undefined : digest(networkOf(clientAddress), seed);
      const userAgent = typeof agent === 'string' ? digest(agent, seed) : undefined;
      if (tokenId !== undefined) countPlaces('token', issuer, tokenId, address, userAgent);
      if (sessionId !== undefined) countPlaces('session', issuer, sessionId, address, userAgent);
    },
    verified({ issuer, issuedAt, expiresAt, clientId }, nowSeconds) {
      if (issuedAt === undefined) return;
      const lifetimeSeconds = expiresAt - issuedAt;
      if (lifetimeSeconds > longLivedSeconds) publish('tokenward:long-lived-token', { issuer, lifetimeSeconds, clientId: clientId && printable(clientId) });
      // less than a second is rounding
      const skewSeconds = Math.round((issuedAt - nowSeconds) * 1000) / 1000;
      if (skewSeconds < 1) return;
      if (skewSeconds > (ahead.get(issuer) ?? 0)) ahead.set(issuer, skewSeconds);
      publish('tokenward:clock-skew', { issuer, skewSeconds });
    },
    refusedAsFuture(issuer, issuedAt, nowSeconds) {
      publish('tokenward:clock-skew', { issuer, skewSeconds: Math.round((issuedAt - nowSeconds) * 1000) / 1000 });
    },
    aheadOf: (issuer) => ahead.get(issuer) ?? 0,
  };
}

/** The client addresses and user agents of one token or session, as digests. */
interface Places {
  readonly issuer: string;
  readonly addresses: number[];
  readonly userAgents: number[];
  isReported: boolean;
}

function placesOf(watched: Map<string, Places>, issuer: string, name: string, most: number): Places {
  let key = name;
  let places = watched.get(key);
  // avoids creating and hashing a longer key unless two issuers use the same name
  if (places && places.issuer !== issuer) places = watched.get((key = `${name}\n${issuer}`));
  if (!places) {
    if (watched.size >= most) watched.delete(watched.keys().next().value!);
    watched.set(key, (places = { issuer, addresses: [], userAgents: [], isReported: false }));
  }
  return places;
}

function add(to: number[], place: number): void {
  if (!to.includes(place)) to.push(place);
}

/** Returns the network of an IPv6 address: one host or household has all 64 bits below it (RFC 4291 s2.5.4) and changes its address (RFC 8981). */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  let colon = -1;
  for (let group = 0; group < 4; group++) {
    colon = address.indexOf(':', colon + 1);
    if (colon < 0) return address;
  }
  return address.slice(0, colon);
}

/** Returns the FNV-1a hash of a text. The secret seed changes with each window, so that digests mean nothing outside of it. */
function digest(text: string, seed: number): number {
  let hash = seed;
  const length = Math.min(text.length, 256);
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
