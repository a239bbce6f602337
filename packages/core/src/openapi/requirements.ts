import type { TokenAlternative } from '../policy/documented.js';
import type { SecuritySchemes, TokenScheme } from './security-schemes.js';
import type { OpenApiRequirement } from './types.js';

/** The most requirements that one operation lists. */
const MAX_REQUIREMENTS = 32;

/**
 * Returns the security requirements of an operation that needs a token: OpenAPI admits a request that meets one of them. The result is never empty, since an
 * empty list says that an operation is open.
 */
export function requirementsFor(alternatives: readonly TokenAlternative[], { tokens, proofs, session }: SecuritySchemes): readonly OpenApiRequirement[] {
  const ofTokens = distinctRequirements(alternatives, tokens) ?? tokens.map((scheme) => requirementOf(scheme, NO_SCOPES));
  const proven = ofTokens.flatMap((token) => proofs.map((proof) => ({ ...token, ...proof })));
  return session ? [...proven, session] : proven;
}

/** @returns undefined if there are too many to list */
function distinctRequirements(alternatives: readonly TokenAlternative[], tokens: readonly TokenScheme[]): readonly OpenApiRequirement[] | undefined {
  const found = alternatives.flatMap((alternative) => schemesFor(alternative, tokens).map((scheme) => requirementOf(scheme, alternative)));
  const distinct = [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
  return distinct.length > MAX_REQUIREMENTS ? undefined : distinct;
}

/** If none of the issuers has a scheme of its own, returns all schemes: nobody can say which of them is meant. */
function schemesFor({ issuers }: TokenAlternative, tokens: readonly TokenScheme[]): readonly TokenScheme[] {
  const fitting = issuers ? tokens.filter(({ issuer }) => issuer !== undefined && issuers.includes(issuer)) : tokens;
  return fitting.length > 0 ? fitting : tokens;
}

const NO_SCOPES: Pick<TokenAlternative, 'scopes'> = { scopes: [] };

function requirementOf({ name, hasScopes }: TokenScheme, { scopes }: Pick<TokenAlternative, 'scopes'>): OpenApiRequirement {
  return { [name]: hasScopes ? scopes : [] };
}

/** Returns whether the requirements say everything that the alternatives need. */
export function isComplete(alternatives: readonly TokenAlternative[], { tokens }: SecuritySchemes): boolean {
  return (
    distinctRequirements(alternatives, tokens) !== undefined &&
    alternatives.every(
      ({ scopes, issuers, isPartial }) =>
        !isPartial &&
        (scopes.length === 0 || tokens.every(({ hasScopes }) => hasScopes)) &&
        (issuers === undefined || issuers.every((name) => tokens.some(({ issuer }) => issuer === name))),
    )
  );
}
