/**
 * The functions that create policies.
 *
 * @module
 */
export { acr } from './kinds/acr.js';
export { actedFor } from './kinds/acted-for.js';
export { actor } from './kinds/actor.js';
export { anyRole } from './kinds/any-role.js';
export { anyScope } from './kinds/any-scope.js';
export { authorizationDetails } from './kinds/authorization-details.js';
export { claim } from './kinds/claim.js';
export { issuedBy } from './kinds/issued-by.js';
export { maxAge } from './kinds/max-age.js';
export { policy } from './kinds/named.js';
export { role } from './kinds/role.js';
export { scope } from './kinds/scope.js';
export { allOf, anyOf, not } from './combinations.js';
