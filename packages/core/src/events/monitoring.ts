import { randomInt } from 'node:crypto';
import type { Clock } from '../lib/clock.js';
import type { Auth } from '../auth/auth.js';
import { isObserved, publish } from './events.js';
import { bounded } from '../lib/lru.js';
import type { OptionReader } from '../lib/option-reader.js';
import { numberOption, readInnerTable, type OptionTable } from '../lib/option-table.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { printable } from '../lib/url.js';

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

const MAX_ISSUERS = 1000;

/** What is looked at beside the decisions. */
export interface Monitor {
  /** At each request that a token was accepted for. */
  accepted(auth: Auth, request: ProtectedRequest): void;
  /** At a token that was not known before. */
  verified(auth: Auth, nowSeconds: number): void;
  /** At a well signed token that was refused since it says that it was issued further in the future than its issuer is allowed. */
  refusedAsFuture(issuer: string, issuedAt: number, nowSeconds: number): void;
  /** By how many seconds an issuer's clock was seen to be ahead of this one: 0 where it was not. */
  aheadOf(issuer: string): number;
}

const MONITORING = {
  maxPlaces: numberOption(5, { least: 1, most: 1000, whole: true }),
  windowSeconds: numberOption(3600, { least: 1, most: 604_800 }),
  maxWatched: numberOption(10_000, { least: 1, most: 1_000_000, whole: true }),
  longLivedSeconds: numberOption(86_400, { least: 1 }),
} satisfies OptionTable<MonitoringOptions>;

export function readMonitoring(reader: OptionReader): MonitoringConfig {
  return readInnerTable(reader, 'monitoring', MONITORING);
}

export function createMonitor(config: MonitoringConfig, clock: Clock): Monitor {
  const { maxPlaces, windowSeconds, maxWatched, longLivedSeconds } = config;
  const watched = { token: new Map<string, Places>(), session: new Map<string, Places>() };
  const ahead = bounded<number>(MAX_ISSUERS);
  let seed = 0;
  let windowEnds = -Infinity;

  function look(by: 'token' | 'session', issuer: string, name: string, address: number | undefined, userAgent: number | undefined): void {
    const places = placesOf(watched[by], issuer, name, maxWatched);
    if (places.told) return;
    if (address !== undefined) add(places.addresses, address);
    if (userAgent !== undefined) add(places.userAgents, userAgent);
    const most = Math.max(places.addresses.length, places.userAgents.length);
    if (most <= maxPlaces) return;
    places.told = true;
    publish('tokenward:token-reused', { issuer, by, places: most, windowSeconds });
  }

  return {
    accepted({ issuer, tokenId, sessionId }, request) {
      if (!isObserved('tokenward:token-reused') || (tokenId === undefined && sessionId === undefined)) return;
      // read here and no sooner: Express and Koa parse the forwarded fields for it
      const { clientAddress, headers } = request;
      const now = clock.monotonic();
      if (now >= windowEnds) {
        windowEnds = now + windowSeconds * 1000;
        watched.token.clear();
        watched.session.clear();
        seed = randomInt(2 ** 32);
      }
      const agent = headers['user-agent'];
      const address = clientAddress === undefined ? undefined : digest(networkOf(clientAddress), seed);
      const userAgent = typeof agent === 'string' ? digest(agent, seed) : undefined;
      if (tokenId !== undefined) look('token', issuer, tokenId, address, userAgent);
      if (sessionId !== undefined) look('session', issuer, sessionId, address, userAgent);
    },
    verified({ issuer, issuedAt, expiresAt, clientId }, nowSeconds) {
      if (issuedAt === undefined) return;
      const lifetimeSeconds = expiresAt - issuedAt;
      if (lifetimeSeconds > longLivedSeconds) publish('tokenward:long-lived-token', { issuer, lifetimeSeconds, clientId: clientId && printable(clientId) });
      // what is less than a second is how iat is written
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

/** The places of one token or session, as numbers that mean nothing to anybody. */
interface Places {
  readonly issuer: string;
  readonly addresses: number[];
  readonly userAgents: number[];
  told: boolean;
}

function placesOf(watched: Map<string, Places>, issuer: string, name: string, most: number): Places {
  let key = name;
  let places = watched.get(key);
  // a longer name is made, and hashed, only where two issuers have the same one
  if (places && places.issuer !== issuer) places = watched.get((key = `${name}\n${issuer}`));
  if (!places) {
    if (watched.size >= most) watched.delete(watched.keys().next().value!);
    watched.set(key, (places = { issuer, addresses: [], userAgents: [], told: false }));
  }
  return places;
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
