/**
 * What the author of an adapter needs beside the public face: a guard over a framework's own requests, the memory of whom a request was
 * found to be from, and the writing of answers to Node's own response. An adapter reads the request by one function, and hands the
 * decision on in its framework's manner.
 *
 * @module
 */
export type { AdapterOptions } from './adapter/adapter-options.js';
export { createNativeGuard, type GuardMethods, type NativeGuard } from './adapter/native-guard.js';
export { answerRefusal, asError, assertDenial, type RefusalListeners } from './adapter/refusals.js';
export type { ClaimsWithoutSchema } from './auth/app-claims.js';
export { authOf, requireAuth } from './adapter/remembered-auth.js';
export { createMemory, type Memory } from './lib/private-slot.js';
export { necessaryScopes } from './policy/evaluate.js';
export { systemClock } from './lib/clock.js';
export { misuse } from './lib/configuration-error.js';
export { didYouMean } from './lib/did-you-mean.js';
export { OptionReader, plainOptions } from './lib/option-reader.js';
export { readTable, type OptionTable } from './lib/option-table.js';
export { shownMember } from './lib/shown-option.js';
export { classOf } from './lib/thrown.js';
export { receiveFrom, receiveInto } from './node/node-receiver.js';
export { applyHeaders, assertHasHeaders, headersOf, isAnswered, problemHeaders, sendDenial, viewOf } from './node/node-http.js';
export { accessFor, accessOf, isGuard, markGuard, type AccessFor, type RoutePolicy } from './adapter/access-of.js';
export { isCalledBy, isRunBy, runnerOf, type Framework, type Runner } from './adapter/called-by.js';
export { createMountMemory } from './adapter/mounts.js';
export { closeGate, type ResponseGate } from './adapter/response-gate.js';
export { answerAlone, never, settle } from './adapter/settle.js';
