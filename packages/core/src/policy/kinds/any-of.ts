import { behaviourOf } from '../../vocabulary/reason.js';
import { anyDocumented } from '../documented.js';
import { distinctLogins, loginsOf, namedLogin, withLogin } from '../logins.js';
import type { CombinedPolicy } from '../policy.js';
import { textOf } from '../policy-failure.js';
import { noScopes, type KindOf, type PolicyFailure, type PolicyKind } from '../policy-kind.js';

/** Creates the kind of policies that require at least one of their parts. */
export function anyOfKind(kindOf: KindOf): PolicyKind<CombinedPolicy> {
  const kind: PolicyKind<CombinedPolicy> = {
    describe: ({ policies }) => `anyOf(${policies.map((part) => kindOf(part).describe(part)).join(', ')})`,
    document: ({ policies }) => anyDocumented(policies.map((part) => kindOf(part).document(part))),
    evaluate(policy, context) {
      let failures: PolicyFailure[] | undefined;
      for (const part of policy.policies) {
        const failure = kindOf(part).evaluate(part, context);
        if (!failure) return undefined;
        (failures ??= []).push(failure);
      }
      // of several alternatives, name what the client can satisfy: a scope to ask for, else a login
      const named = solvedBy(failures!, 'scope') ?? solvedBy(failures!, 'login') ?? failures![0]!;
      const isLogin = behaviourOf(named.reason).solvedBy === 'login';
      // parts that are about no login have failed
      const login = isLogin ? namedLogin(distinctLogins(policy.policies.flatMap((part) => kindOf(part).logins?.(part, context) ?? []))) : undefined;
      return { reason: named.reason, details: { ...withLogin(named.details, login), cause: textOf(kind, policy) } };
    },
    detailTypes: ({ policies }) => policies.flatMap((part) => kindOf(part).detailTypes?.(part) ?? []),
    negatable: ({ policies }, context) => policies.every((part) => kindOf(part).negatable(part, context)),
    scopes({ policies }, which) {
      if (which === 'necessary') return noScopes();
      const scopesOfParts = policies.map((part) => kindOf(part).scopes(part, which));
      return which === 'mentioned' ? scopesOfParts.flat() : (scopesOfParts.find((scopes) => scopes.length > 0) ?? noScopes());
    },
    logins: ({ policies }, context) => distinctLogins(policies.flatMap((part) => loginsOf(kindOf(part), part, context))),
  };
  return kind;
}

function solvedBy(failures: readonly PolicyFailure[], remedy: 'scope' | 'login'): PolicyFailure | undefined {
  return failures.find(({ reason }) => behaviourOf(reason).solvedBy === remedy);
}
