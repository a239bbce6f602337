/**
 * For tools that find out why a token is refused, or whether an issuer is set up well: the steps of the pipeline in order, what a token says before anybody
 * trusts it, and which keys of a JWKS are usable. No guard needs it.
 *
 * @module
 */
export { PIPELINE, stepOf, type PipelineStep, type StepName } from './diagnosis/pipeline.js';
export { readUntrusted, type UntrustedToken } from './diagnosis/untrusted-token.js';
export { inspectKeys, type InspectedKey } from './diagnosis/inspected-keys.js';
export { checkSilently, refusalBehindProof } from './guard.js';
export { shownFound } from './explain/shown-values.js';
export { explanationOf, type Explanation } from './explain/explanation.js';
export { unusedProxyVariable } from './net/connection.js';
export { createKeyAccess } from './keys/key-access.js';
export { UNKNOWN_AUTHORITY } from './net/fetch-failure.js';
export { MAX_JSON_DEPTH } from './lib/json.js';
export { fetchJson, NotFoundError, type FetchedJson, type FetchLimits } from './net/fetch-json.js';
export { metadataUrls } from './net/metadata.js';
