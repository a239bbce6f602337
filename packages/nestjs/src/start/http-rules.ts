import type { GuardDemands } from '@tokenward/core/adapter';
import type { Engine } from '../engine/engine.js';
import type { Handler } from '../rules/handlers.js';

/** An HTTP handler, and what its guard demands. */
export interface HttpRule {
  readonly owner: Handler['owner'];
  readonly method: unknown;
  /** `OrdersController.list` */
  readonly name: string;
  /** Without its API version. */
  readonly path: string;
  /** undefined: the handler is public. */
  readonly demands: GuardDemands | undefined;
}

export function httpRuleOf({ owner, key, name, at, rule }: Handler, engine: Engine): HttpRule {
  const { requirements, marked } = rule;
  const isOpen = !requirements || (!marked && engine.leaveUnmarkedHandlersOpen);
  const policies = requirements?.policy ? [requirements.policy] : [];
  return {
    owner,
    method: (owner.prototype as Record<string, unknown>)[key],
    name,
    path: at.slice(at.indexOf(' ') + 1),
    demands: isOpen ? undefined : { credentials: requirements.credentials!, policies, guard: engine },
  };
}
