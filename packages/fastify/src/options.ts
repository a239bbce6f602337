import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AdapterOptions, RoutePolicy } from '@tokenward/core/adapter';

/** What a route needs. `public`: nothing. `optional`: no token, or a valid one. `required`: a valid token. A policy, or several: a valid token that satisfies all of them. */
export type RouteRule = 'public' | 'optional' | 'required' | RoutePolicy<FastifyRequest> | readonly RoutePolicy<FastifyRequest>[];

export interface FastifyGuardOptions extends AdapterOptions<[request: FastifyRequest, reply: FastifyReply]> {
  /**
   * `all`: routes of this plugin scope (encapsulation context) need a valid token unless they say otherwise. Default: routes are open unless they have a guard
   * or a rule.
   */
  readonly protect?: 'all' | undefined;
  /**
   * Stops the start if a route of this plugin scope has neither a guard in its `onRequest` nor a rule in `config.tokenward`. A route for OPTIONS alone, such as
   * that of @fastify/cors, gets a guard instead, which lets preflights pass.
   */
  readonly failOnUnguarded?: boolean | undefined;
  /**
   * The name of the decorator, for a second guard in the same plugin scope. Such a guard needs another `property`, too, and does not read `config.tokenward`.
   * Default: `guard`.
   */
  readonly decorator?: string | undefined;
}
