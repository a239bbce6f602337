import type { Engine } from '../engine/engine.js';
import type { Handler } from '../rules/handlers.js';
import { DEFAULT_GUARD } from '../rules/rule.js';

/** A handler and its requirements, to print or to test. */
export interface HandlerDescription {
  readonly kind: Handler['kind'];
  /** `OrdersController.list` */
  readonly name: string;
  /** How clients reach it: `GET /orders`, `Query orders`, `message "move"`. Paths are without their API version. */
  readonly at: string;
  /** `with its parent`: a GraphQL field, which clients reach only through its parent. */
  readonly credentials: 'public' | 'optional' | 'required' | 'with its parent';
  /** The policy as code: `scope("orders:read")`. */
  readonly policy: string | undefined;
  /** The name of the guard that decides. */
  readonly guard: string;
}

export function describeHandler({ kind, name, at, rule, isField }: Handler, { leaveUnmarkedHandlersOpen }: Engine): HandlerDescription {
  const { requirements, guard, marked } = rule;
  const open = !requirements || (!marked && leaveUnmarkedHandlersOpen);
  return {
    kind,
    name,
    at,
    credentials: open ? 'public' : isField && !marked ? 'with its parent' : requirements.credentials!,
    policy: open || !requirements.policy ? undefined : String(requirements.policy),
    guard,
  };
}

export function lineOf({ kind, name, at, credentials, policy, guard }: HandlerDescription): string {
  const by = guard === DEFAULT_GUARD || credentials === 'public' ? '' : ` by "${guard}"`;
  return `${credentials.padEnd(8)} ${kind} ${at} (${name})${policy ? ` needs ${policy}` : ''}${by}`;
}
