import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AdapterOptions, RoutePolicy } from '@tokenward/core/adapter';

/** `public`: nothing; `optional`: no token or a good one; else a valid token, and all of these policies. */
export type RouteRule = 'public' | 'optional' | 'required' | RoutePolicy<FastifyRequest> | readonly RoutePolicy<FastifyRequest>[];

export interface FastifyGuardOptions extends AdapterOptions<[request: FastifyRequest, reply: FastifyReply]> {
  /** `all`: routes of this scope that say nothing else need a valid token. Default: routes are open unless they say so. */
  readonly protect?: 'all' | undefined;
  /**
   * Stops the start at a route of this scope that says nothing: neither by a guard in its `onRequest` nor by `config.tokenward`. A route for
   * OPTIONS alone, such as that of @fastify/cors, gets a guard instead, which preflights pass.
   */
  readonly failOnUnguarded?: boolean | undefined;
  /**
   * The decorator's name, for a second guard in the same scope. Its `property` must then be another one, too, and `config.tokenward` is not its
   * own. Default: `guard`.
   */
  readonly decorator?: string | undefined;
}
