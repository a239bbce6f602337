import { behaviourOf } from '../../vocabulary/reason.js';
import type { CombinedPolicy } from '../policy.js';
import { textOf } from '../policy-failure.js';
import { noLogin, noScopes, type KindOf, type PolicyFailure, type PolicyKind } from '../policy-kind.js';

/** At least one of several policies. */
export function anyOfKind(kindOf: KindOf): PolicyKind<CombinedPolicy> {
  const kind: PolicyKind<CombinedPolicy> = {
    describe: ({ policies }) => `anyOf(${policies.map((part) => kindOf(part).describe(part)).join(', ')})`,
    evaluate(policy, context) {
      let failures: PolicyFailure[] | undefined;
      for (const part of policy.policies) {
        const failure = kindOf(part).evaluate(part, context);
        if (!failure) return undefined;
        (failures ??= []).push(failure);
      }
      // of several ways in, tell the one that the client can go: a scope to ask for, else a login
      const told = mendedBy(failures!, 'scope') ?? mendedBy(failures!, 'login') ?? failures![0]!;
      return { reason: told.reason, details: { ...told.details, cause: textOf(kind, policy) } };
    },
    negatable: ({ policies }, auth) => policies.every((part) => kindOf(part).negatable(part, auth)),
    scopes({ policies }, which) {
      if (which === 'necessary') return noScopes();
      const ofEach = policies.map((part) => kindOf(part).scopes(part, which));
      return which === 'mentioned' ? ofEach.flat() : (ofEach.find((scopes) => scopes.length > 0) ?? noScopes());
    },
    // which of several logins is wanted is told by the one that failed
    login: noLogin,
  };
  return kind;
}

function mendedBy(failures: readonly PolicyFailure[], remedy: 'scope' | 'login'): PolicyFailure | undefined {
  return failures.find(({ reason }) => behaviourOf(reason).mendedBy === remedy);
}
