import { anyDocumented } from '../documented.js';
import { ANY_LOGIN, loginsOf, simplest } from '../logins.js';
import { alternativeOf, evaluatePart, isOfLogin, isOfScope, outcomeOf } from '../outcome.js';
import type { CombinedPolicy, Policy } from '../policy.js';
import { textOf } from '../policy-failure.js';
import { noScopes, type KindOf, type Outcome, type PolicyFailure, type PolicyKind } from '../policy-kind.js';

/** Creates the kind of policies that require at least one of their parts. */
export function anyOfKind(kindOf: KindOf): PolicyKind<CombinedPolicy> {
  const kind: PolicyKind<CombinedPolicy> = {
    describe: ({ policies }) => `anyOf(${policies.map((part) => kindOf(part).describe(part)).join(', ')})`,
    document: ({ policies }) => anyDocumented(policies.map((part) => kindOf(part).document(part))),
    evaluate({ policies }, context) {
      let failed: PolicyFailure | undefined;
      for (const part of policies) {
        failed = evaluatePart(kindOf(part), part, context);
        if (!failed) return undefined;
      }
      return failed;
    },
    outcome(policy, context, state) {
      // whichever part admitted the request, the login does not matter
      if (state === 'passed' && !isAboutLogin(policy)) return { failure: undefined, logins: ANY_LOGIN, loginsWithScopes: ANY_LOGIN };
      const outcomes: Outcome[] = [];
      let next = state === 'passed' ? 'unknown' : state;
      for (const part of policy.policies) {
        const outcome = outcomeOf(kindOf(part), part, context, next);
        if (outcome.logins === ANY_LOGIN) return outcome;
        outcomes.push(outcome);
        // the evaluation ended here
        if (!outcome.failure) next = 'unknown';
      }
      const failures = outcomes.flatMap(({ failure }) => failure ?? []);
      return {
        failure: state === 'passed' || failures.length < outcomes.length ? undefined : chosen(policy, failures),
        logins: simplest(outcomes.flatMap(({ logins }) => logins)),
        loginsWithScopes: simplest(outcomes.flatMap(({ loginsWithScopes }) => loginsWithScopes)),
        alternative: failures.find(isOfScope) ?? alternativeOf(outcomes),
      };
    },
    detailTypes: ({ policies }) => policies.flatMap((part) => kindOf(part).detailTypes?.(part) ?? []),
    negatable: ({ policies }, context) => policies.every((part) => kindOf(part).negatable(part, context)),
    logins({ policies }) {
      const each = policies.map((part) => loginsOf(kindOf(part), part));
      return each.includes(ANY_LOGIN) ? ANY_LOGIN : simplest(each.flat());
    },
    scopes({ policies }, which) {
      if (which === 'necessary') return noScopes();
      const scopesOfParts = policies.map((part) => kindOf(part).scopes(part, which));
      return which === 'mentioned' ? scopesOfParts.flat() : (scopesOfParts.find((scopes) => scopes.length > 0) ?? noScopes());
    },
  };

  /**
   * Of several alternatives, reports what the client can satisfy: a scope to ask for, else a login. One that needs both comes last. Otherwise a client that asks
   * for exactly the scopes of one alternative would next be told those of another, and so on for ever.
   */
  function chosen(policy: CombinedPolicy, failures: readonly PolicyFailure[]): PolicyFailure {
    const possible = failures.filter(({ isContradiction }) => !isContradiction);
    const ofScope = possible.filter(isOfScope);
    const named = ofScope.find((one) => !one.isAlsoLogin) ?? possible.find(isOfLogin) ?? ofScope[0] ?? possible[0];
    if (!named) return failures[0]!;
    return { ...named, details: { ...named.details, cause: textOf(kind, policy) } };
  }

  function isAboutLogin(policy: Policy): boolean {
    return 'policies' in policy ? policy.policies.some(isAboutLogin) : kindOf(policy).logins !== undefined;
  }

  return kind;
}
