/**
 * The kit for authors of adapters whose frameworks pass on a `Request`, in addition to `@tokenward/core/adapter`: a `Request` as a guard sees it, and a
 * guard's answers as a `Response`.
 *
 * @module
 */
export { addHeaders, answerTo, isEmpty, metadataResponse, toHeaders, withHeaders, type OnDeniedResponse } from './answers.js';
export { setConnection, type Connection, type ConnectionView } from './connection.js';
export { recordOf } from './headers.js';
export { isFetchRequest, type Params } from './input.js';
export { receiveMessage } from './receive.js';
export { FetchView } from './view.js';
