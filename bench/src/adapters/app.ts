import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Auth, Jwks } from '@tokenward/core';

/** Whether a request needs a token. */
export type Credentials = 'required' | 'optional';

/** What the apps of a framework are created from. */
export interface Ingredients {
  /** The guard's options. The keys are given, so no network is involved. */
  readonly options: { readonly issuer: string; readonly audience: string; readonly jwks: Jwks };
  readonly credentials: Credentials;
  /** The handler of an app without a guard: core's check alone, on a request that was read before. */
  readonly check: () => void;
  /** The handler behind the adapter's guard. It receives the `Auth` of the request. */
  readonly admit: (auth: Auth | undefined) => void;
}

/** Takes a request as Node's own server passes it on. */
export type Dispatch = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Three apps of one framework with the route `GET /me`. None of them answers, so what they share cancels out. */
export interface Apps {
  /** Without a guard: core's check is in the handler. */
  readonly unguarded: Dispatch;
  /** The same, behind middleware that only goes on. */
  readonly step: Dispatch;
  /** With the adapter's guard. */
  readonly guarded: Dispatch;
}
