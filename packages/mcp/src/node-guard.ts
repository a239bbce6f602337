import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPolicy, type Auth, type Decision, type Policy } from '@tokenward/core';
import {
  addCookies,
  answerRefusal,
  applyHeaders,
  assertHasHeaders,
  classOf,
  closeGate,
  createNativeGuard,
  isAnswered,
  misuse,
  receiveInto,
  requirementsFor,
  sendDenial,
  sendMetadata,
  viewOf,
  type AdapterOptions,
  type GuardMethods,
  type RequirementsFor,
  type ResponseGate,
} from '@tokenward/core/adapter';
import { withAuthInfo, type WithAuthInfo } from './auth-info.js';
import { readMessage } from './read-message.js';
import { assertFits, toolPolicies, type Requirements, type ToolRequirement } from './tool-policies.js';

/** The options of a guard, and what the MCP endpoint requires. */
export interface McpGuardOptions extends AdapterOptions<[request: IncomingMessage, response: ServerResponse]> {
  /** What each tool requires. A tool that is not listed cannot be called, unless `otherTools` says what it requires: see {@link toolPolicies}. */
  readonly tools: Requirements;
  /** What unlisted tools require. Default: they cannot be called. */
  readonly otherTools?: ToolRequirement | undefined;
  /** What every request requires. Default: only a valid token. */
  readonly policy?: Policy | undefined;
  /** What other methods of the protocol require, such as `resources/read`. */
  readonly methods?: Requirements | undefined;
  /** Default: 1 MiB. A longer body is refused with 413. */
  readonly maxBodyBytes?: number | undefined;
}

/** An admitted request, for the SDK. */
export interface AdmittedRequest {
  readonly request: IncomingMessage & WithAuthInfo;
  /** The parsed body; undefined for GET and DELETE. */
  readonly body: unknown;
  readonly auth: Auth;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A guard for an MCP server on plain `node:http`, which has neither middleware nor a body parser. */
export interface McpGuard extends GuardMethods<Handler, IncomingMessage> {
  /**
   * Checks a request, and answers it unless it is admitted: with a refusal, or with the metadata. Returns what the SDK needs, or undefined if the request was
   * answered or its client disconnected. If `onDenied` throws, the answer is 500.
   *
   * Await it. If other code answers before the guard has decided, the guard holds that answer back, and drops it on a refusal. Reading a member of the promise
   * throws, so code that forgot `await` gets neither the request nor its `auth`. The guard cannot keep that code from running.
   *
   * @throws ConfigurationError without a request and its response
   */
  admit(request: IncomingMessage, response: ServerResponse): Promise<AdmittedRequest | undefined>;
  /** Stops timers, and refuses requests that wait for keys, with 503. Call it at shutdown. */
  close(): Promise<void>;
}

const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;
/** No string is longer. */
const MOST_BODY_BYTES = 512 * 1024 * 1024;
const NO_SERVER =
  'is missing, and no issuer in the options is a URL that clients can use. MCP demands at least one authorization server in the metadata: list the issuers';

/**
 * Creates the guard of an MCP server on plain `node:http`.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const guard = createMcpGuard({ issuer, audience: 'https://mcp.example.com/mcp', policy: scope('orders:read'), tools: { delete_order: scope('orders:write') } });
 * createServer(async (req, res) => {
 *   const admitted = await guard.admit(req, res);
 *   if (admitted) await handle(admitted.request, res, admitted.body);
 * });
 */
export function createMcpGuard(options: McpGuardOptions): McpGuard {
  const { tools, otherTools, policy, methods, maxBodyBytes = DEFAULT_MAX_BODY_BYTES, ...guardOptions } = Object(options) as McpGuardOptions;
  if (policy !== undefined && !isPolicy(policy)) throw misuse('createMcpGuard({ policy })', "is not a policy. Write scope('orders:read')");
  if (!Number.isSafeInteger(maxBodyBytes) || maxBodyBytes < 1 || maxBodyBytes > MOST_BODY_BYTES)
    throw misuse('createMcpGuard({ maxBodyBytes })', `must be a whole number of bytes, from 1 to ${MOST_BODY_BYTES}`);
  const bodies = new WeakMap<object, unknown>();
  const ofCalls = toolPolicies<IncomingMessage>(tools, { otherTools, methods, body: (request) => bodies.get(request) });
  if (policy) {
    assertFits('createMcpGuard({ tools })', policy, tools);
    assertFits('createMcpGuard({ methods })', policy, methods ?? {});
    if (otherTools !== undefined) assertFits('createMcpGuard', policy, { otherTools });
  }
  const native = createNativeGuard<IncomingMessage, [request: IncomingMessage, response: ServerResponse]>(
    guardOptions,
    (request) => viewOf(request, request),
    // req.auth belongs to the SDK
    guardOptions.property === undefined ? () => undefined : undefined,
    ['tools', 'otherTools', 'policy', 'methods', 'maxBodyBytes'],
  );
  const ofEndpoint = policy ? [policy] : [];
  const forEndpoint = native.requirementsFor('required', ofEndpoint);
  const forCalls = requirementsFor<IncomingMessage>('required', [...ofEndpoint, ofCalls]);
  const { paths, authorizationServers } = native.metadata();
  if (paths.length > 0 && authorizationServers.length === 0 && guardOptions.resourceMetadataUrl === undefined) {
    void native.close();
    throw misuse('metadata.authorizationServers', NO_SERVER);
  }

  /** Answers a refusal through the gate, and returns undefined. */
  async function decide(request: IncomingMessage, gate: ResponseGate, requirements: RequirementsFor<IncomingMessage>): Promise<Auth | undefined> {
    const response = gate.pass;
    const decision: Decision = await native.decide(request, requirements(request));
    if (isAnswered(response)) return undefined;
    if (decision.outcome === 'allow') {
      applyHeaders(response, decision.headers);
      return decision.auth;
    }
    gate.clear();
    // onDenied may answer in its own way
    addCookies(response, decision.headers);
    await answerRefusal(native, decision, [request, response], (denial) => sendDenial(response, denial));
    return undefined;
  }

  async function admit(request: IncomingMessage, gate: ResponseGate): Promise<AdmittedRequest | undefined> {
    const metadata = native.metadataFor(request);
    if (metadata) {
      sendMetadata(gate.pass, metadata);
      return undefined;
    }
    const auth = await decide(request, gate, forEndpoint);
    if (!auth) return undefined;
    if (request.method === 'GET' || request.method === 'DELETE' || request.method === 'HEAD')
      return { request: withAuthInfo(request, auth), body: undefined, auth };
    const read = await readMessage(request, maxBodyBytes);
    if (!read) return undefined;
    if ('status' in read) {
      gate.clear();
      refuseBody(gate.pass, read);
      return undefined;
    }
    bodies.set(request, read.body);
    const caller = await decide(request, gate, forCalls);
    return caller && { request: withAuthInfo(request, caller), body: read.body, auth: caller };
  }

  /** A caller that does not wait may answer meanwhile. What it wrote is sent once the request is admitted, and dropped if it is not. */
  async function admitAlone(request: IncomingMessage, response: ServerResponse): Promise<AdmittedRequest | undefined> {
    assertCalled(request, response);
    const gate = closeGate(response);
    try {
      const admitted = await admit(request, gate);
      if (admitted) return gate.open() ? undefined : admitted;
    } catch (error) {
      gate.clear();
      giveUp(gate.pass, error);
    }
    gate.seal();
    return undefined;
  }

  return {
    ...native.methods((receive) => (request, response) => void receiveInto(request, response, undefined, receive).catch(() => response.destroy())),
    admit: (request, response) => unreadable(admitAlone(request, response)),
    close: native.close,
  };
}

/** Makes a forgotten `await` throw. A promise counts as true, so `if (admitted)` alone would go on for every request. */
function unreadable(result: Promise<AdmittedRequest | undefined>): Promise<AdmittedRequest | undefined> {
  return Object.defineProperties(result, UNREADABLE);
}

function throwMisuse(): never {
  throw misuse('guard.admit(request, response)', 'returned a promise. Write const admitted = await guard.admit(request, response)');
}

const UNREADABLE: PropertyDescriptorMap = Object.fromEntries(
  ['request', 'body', 'auth'].map((member) => [member, { get: throwMisuse, enumerable: false, configurable: true }]),
);

/** As the SDK answers. The rest of the body is not read, so the connection ends. */
function refuseBody(response: ServerResponse, { status, message }: { readonly status: number; readonly message: string }): void {
  if (isAnswered(response)) return;
  response.setHeader('content-type', 'application/json');
  // HTTP/2 has no such field, and a stream of its own for each request
  if (response.req.httpVersionMajor < 2) response.setHeader('connection', 'close');
  response.statusCode = status;
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code: status === 400 ? -32_700 : -32_000, message }, id: null }));
}

let warned = false;

/** There is no framework that would catch the error, and an unhandled rejection ends the process. */
function giveUp(response: ServerResponse, error: unknown): void {
  if (!warned)
    process.emitWarning(`a guard of createMcpGuard failed with ${classOf(error)}. The request was answered with 500`, { code: 'TOKENWARD_ON_DENIED' });
  warned = true;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.statusCode = 500;
  response.end();
}

function assertCalled(request: IncomingMessage, response: ServerResponse): void {
  assertHasHeaders(Object(request) as IncomingMessage, 'guard.admit(request, response)');
  const { setHeader, end } = Object(response) as Partial<ServerResponse>;
  if (typeof setHeader !== 'function' || typeof end !== 'function') throw misuse('guard.admit(request, response)', 'needs the response as its second argument');
}
