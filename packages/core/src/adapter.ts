/**
 * The kit for authors of adapters, in addition to the main entry point: a guard over a framework's requests, the `Auth` of a request, and answers on
 * Node's response. An adapter turns its framework's request into a {@link ProtectedRequest}, and a decision into its framework's answer.
 *
 * @module
 */
export type { AdapterOptions } from './adapter/adapter-options.js';
export { createNativeGuard, type GuardMethods, type NativeGuard } from './adapter/native-guard.js';
export { guardDemandsOf, withBoundDemands, type GuardDemands } from './adapter/guard-demands.js';
export { logRefusal } from './adapter/refusal-log.js';
export { wasPrinted } from './explain/hints.js';
export { answerRefusal, asError, assertDenial, withoutCookies, type RefusalListeners } from './adapter/refusals.js';
export type { ClaimsWithoutSchema } from './auth/app-claims.js';
export { SCOPE_TOKEN } from './auth/names.js';
export { authOf, requireAuth } from './adapter/remembered-auth.js';
export { createMemory, type Memory } from './lib/private-slot.js';
export { publish } from './events/events.js';
export { hasLowerCaseNames, inLowerCase, LOWER_CASE_NAMES } from './request/fields.js';
export { readRequestBody } from './request/request-body.js';
export { isAmbiguousTarget, normalPath } from './request/request-path.js';
export { contradictionIn } from './policy/combinations.js';
export { documentedPolicy, necessaryScopes } from './policy/evaluate.js';
export { nobody } from './policy/kinds/nobody.js';
export { MAX_ACR_VALUES_LENGTH } from './policy/logins.js';
export { systemClock } from './lib/clock.js';
export { collectBytes, type CollectedBytes } from './lib/collect-bytes.js';
export { misuse } from './lib/configuration-error.js';
export { didYouMean } from './lib/did-you-mean.js';
export { OptionReader, plainOptions } from './lib/option-reader.js';
export { readTable, type OptionTable } from './lib/option-table.js';
export { shownMember } from './lib/shown-option.js';
export { isProduction } from './lib/production.js';
export { classOf } from './lib/thrown.js';
export { offeredScopes, type MetadataAnswer, type MetadataEndpoint } from './decision/resource-metadata.js';
export { sendMetadata, serveMetadata } from './node/node-metadata.js';
export { receiveFrom, receiveInto } from './node/node-receiver.js';
export { MAX_MESSAGE_BYTES } from './security-event/receiver.js';
export { connectionOf } from './node/connection.js';
export { applyHeaders, assertHasHeaders, headersOf, isAnswered, namesOneHost, originOf, problemHeaders, sendDenial, viewOf } from './node/node-http.js';
export { addCookies, cookiesWith, SET_COOKIE } from './node/set-cookie.js';
export { isCacheField, isSharedCacheField, removeCacheFields } from './node/cache-fields.js';
export { keepOutOfCaches } from './node/uncached.js';
export {
  requirementsFor,
  requirementsForCall,
  requirementsOf,
  isGuard,
  markGuard,
  type RequirementsFor,
  type RoutePolicy,
} from './adapter/requirements-for.js';
export { ACT_IN_TESTS, type TestTickets } from './guard/test-tickets.js';
export type { TestCaller } from './guard/test-claims.js';
export type { OpenApiDescription } from './openapi/describe.js';
export { versionOf, type OpenApiOptions } from './openapi/options.js';
export type { OpenApiAccess, OpenApiRequirement } from './openapi/types.js';
export { tokenSchemes } from './openapi/security-schemes.js';
export { freeProblemName } from './openapi/problem-schema.js';
export {
  definedSchemes,
  eitherAccess,
  isOpen,
  namedOperations,
  operationsOf,
  writeAccess,
  writeComponents,
  type WrittenAccess,
  type WrittenDocument,
  type WrittenOperation,
} from './openapi/write.js';
export { isCalledBy, runnerOf, type Framework, type Runner } from './adapter/called-by.js';
export { createMountMemory } from './adapter/mounts.js';
export { closeGate, type ResponseGate } from './adapter/response-gate.js';
export { holdAnswer, type HeldResult } from './adapter/held-answer.js';
export { answerAlone, never, settle, settleForCallback } from './adapter/settle.js';
export { REVOCATION_KINDS, REVOCATION_REASONS } from './vocabulary/revocation-words.js';
