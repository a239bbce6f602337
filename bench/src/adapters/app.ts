import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Auth, Jwks } from '@tokenward/core';

/** What a guard asks for: a token, or one that may be left out. */
export type Credentials = 'required' | 'optional';

/** What a framework's apps are made with. */
export interface Ingredients {
  /** A guard's options; with keys that are given, so that no network is in the way. */
  readonly options: { readonly issuer: string; readonly audience: string; readonly jwks: Jwks };
  readonly credentials: Credentials;
  /** What the handlers of unguarded apps do: core's check alone, of a request that was read before. */
  readonly check: () => void;
  /** What the handler behind the adapter's guard does with whom the request is from. */
  readonly admit: (auth: Auth | undefined) => void;
}

/** Takes a request as Node's own server would hand it over. */
export type Dispatch = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Three apps of one framework with the route `GET /me`, none of which answers: what they share cancels out. */
export interface Apps {
  /** No guard; core's check in the handler. */
  readonly unguarded: Dispatch;
  /** The same, behind the least that may stand where a guard stands. */
  readonly step: Dispatch;
  /** The adapter's guard. */
  readonly guarded: Dispatch;
}
