export * from '@tokenward/core';
export { guardToken } from './start/guards.js';
export { listHandlers, TokenwardModule, type NestGuardExtras } from './module.js';
export { TokenwardGuard } from './guard.js';
export type { NestGuard, NestGuardOptions } from './engine/engine.js';
export type { HandlerDescription } from './start/list.js';
export type { MessageHandler } from './engine/messages.js';
export type { MetadataMiddleware } from './engine/metadata.js';
export { AccessDeniedException, type RefusalDetails } from './answer/denial.js';
export { CurrentAuth, getAuth } from './engine/current-auth.js';
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
export type { HandlerPolicy, PolicyRequest } from './rules/marks.js';
