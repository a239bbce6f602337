import type { AttackRequest } from './exchange.js';

/** One hostile request. */
export interface AttackCase {
  /** What the request is, after "admitted": `a token without exp`. It contains no token. */
  readonly name: string;
  /** Whether the token is forged, or a valid one that is sent in a way in which no API should take it. */
  readonly kind: 'forged' | 'misplaced';
  readonly request: AttackRequest;
  /** The token, to find out whether the answer repeats it. */
  readonly token: string;
}

/** A forged token, sent as tokens are. */
export function forged(name: string, token: string): AttackCase {
  // a local issuer sends the names of its table over a socket, so they may contain anything
  return { name: name.replaceAll(/\p{Cc}/gu, ' '), kind: 'forged', request: { headers: [['Authorization', `Bearer ${token}`]] }, token };
}
