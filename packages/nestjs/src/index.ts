export * from '@tokenward/core';
export { guardToken } from './guards.js';
export { listHandlers, TokenwardModule, type NestGuardExtras } from './module.js';
export { TokenwardGuard } from './guard.js';
export type { NestGuard, NestGuardOptions } from './engine.js';
export type { HandlerDescription } from './list.js';
export type { MessageHandler } from './messages.js';
export { AccessDeniedException, type RefusalDetails } from './denial.js';
export { CurrentAuth, getAuth } from './current-auth.js';
export {
  AnyRole,
  AnyScope,
  Authenticated,
  GuardedBy,
  OptionalAuth,
  Policies,
  Public,
  Require,
  Roles,
  Scopes,
  type ClassOrMethodDecorator,
} from './decorators.js';
export type { HandlerPolicy, PolicyRequest } from './rule.js';
