import { anyOf, isPolicy, policy, type Policy } from '@tokenward/core';
import { authOf, contradictionIn, didYouMean, misuse, nobody, requirementsOf, shownMember } from '@tokenward/core/adapter';
import { callsIn, type Call, type OddBody } from './json-rpc.js';

/** What a tool requires: a policy, or only what the endpoint requires of every request. */
export type ToolRequirement = Policy | 'authenticated';

/** The requirements of tools, or of methods, by name. */
export type Requirements = Readonly<Record<string, ToolRequirement>> | ReadonlyMap<string, ToolRequirement>;

export interface ToolPoliciesOptions<Request> {
  /** What unlisted tools require. Default: every call of such a tool is refused, so that a new tool is not open by accident. */
  readonly otherTools?: ToolRequirement | undefined;
  /** What other methods of the protocol require, such as `resources/read`. Methods that are not listed require nothing more than the endpoint. */
  readonly methods?: Requirements | undefined;
  /** Returns the parsed body of a request, which must be the value that the SDK gets. Default: `request.body`, or `ctx.request.body` (Koa). */
  readonly body?: ((request: Request) => unknown) | undefined;
}

/** The members of a framework's request that are read. */
interface AnyRequest {
  readonly method?: unknown;
  readonly body?: unknown;
  /** Koa. */
  readonly request?: { readonly body?: unknown } | undefined;
  /** Koa and Hono. */
  readonly req?: { readonly method?: unknown } | undefined;
}

/**
 * Returns the policies of an MCP server's tools, for a guard that runs after the body was parsed and before the SDK. A call of a tool whose policy is not
 * satisfied gets a 403 that names all scopes that the next token needs: those that this token lacks, and those that it has and other tools need. In a batch, every
 * call counts. A tool that is not listed is refused with 403, and a body that is not understood with 400: both without a challenge, since no scope would help.
 *
 * @param tools what each tool requires
 * @throws ConfigurationError if a requirement is not a policy
 *
 * @example
 * const tools = toolPolicies({ list_orders: 'authenticated', delete_order: scope('orders:write') });
 * app.all('/mcp', guard(scope('orders:read')), express.json(), guard(scope('orders:read'), tools), serve);
 */
export function toolPolicies<Request extends object>(tools: Requirements, options: ToolPoliciesOptions<Request> = {}): (request: Request) => Policy {
  const path = 'toolPolicies(...)';
  checkOptions(path, options);
  const { otherTools, methods = {}, body = bodyOf } = options;
  const listed = read(path, tools);
  if (listed.size === 0 && otherTools === undefined) throw misuse(path, 'lists no tool. List what each tool requires, or set otherTools');
  const ofMethods = read(`${path} methods`, methods);
  const others = otherTools === undefined ? UNLISTED : requirement(`${path} otherTools`, otherTools);
  if (ofMethods.has('tools/call')) throw misuse(`${path} methods`, 'lists "tools/call". List the tools themselves, or set otherTools');
  const all = [...new Set([...listed.values(), ...ofMethods.values(), others])].filter((one) => one !== ENDPOINT && one !== UNLISTED);
  // always satisfied: it only has a challenge name the scopes that the token has already and would otherwise lose
  const keepsScopes = all.length > 0 ? anyOf(ENDPOINT, ...all) : undefined;

  function policyOf({ method, tool }: Call): Policy {
    return tool === undefined ? (ofMethods.get(method) ?? ENDPOINT) : (listed.get(tool) ?? others);
  }

  return (request) => {
    const content = body(request);
    if (isWithoutBody(request, content)) return ENDPOINT;
    const calls = callsIn(content);
    if (typeof calls === 'string') return ODD[calls];
    const required = [...new Set(calls.map(policyOf))].filter((one) => one !== ENDPOINT);
    if (required.length === 0) return ENDPOINT;
    const isKnown = keepsScopes !== undefined && authOf(request, 'optional', () => true) !== undefined;
    // not allOf(), which throws for tools that need different logins: a client chooses what is in a batch
    return requirementsOf('required', isKnown ? [...required, keepsScopes] : required).policy!;
  };
}

const ENDPOINT = policy('what the endpoint requires', () => true);
const UNLISTED = nobody('unlisted_tool');

const ODD: Readonly<Record<OddBody, Policy>> = {
  'no parsed body': malformed('the body was not parsed as JSON before this guard'),
  'not a JSON-RPC message': malformed('the body is not a JSON-RPC message'),
  'an empty batch': malformed('the batch is empty'),
  'a batch that is too long': malformed('the batch has more than 100 messages'),
  'a tool call without the name of a tool': malformed('tools/call names no tool'),
};

function malformed(cause: string): Policy {
  return nobody('malformed_message', cause);
}

/** Koa's `ctx.body` is that of the response. */
function bodyOf({ body, request }: AnyRequest): unknown {
  return request === undefined ? body : request.body;
}

const WITHOUT_BODY: ReadonlySet<unknown> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** Opening a stream and ending a session call nothing. Express 4 has an empty object for them. */
function isWithoutBody({ method, req }: AnyRequest, content: unknown): boolean {
  if (!WITHOUT_BODY.has(method ?? req?.method)) return false;
  return content === undefined || content === null || (typeof content === 'object' && Object.keys(content).length === 0);
}

const OPTIONS = ['otherTools', 'methods', 'body'] as const satisfies readonly (keyof ToolPoliciesOptions<never>)[];

function checkOptions(path: string, options: ToolPoliciesOptions<never>): void {
  for (const name of Object.keys(options)) {
    if (!(OPTIONS as readonly string[]).includes(name)) throw misuse(path, `has no option ${shownMember(name)}${didYouMean(name, OPTIONS)}`);
  }
  if (options.body !== undefined && typeof options.body !== 'function') throw misuse(`${path} body`, 'must be a function that returns the parsed body');
}

/** A Map, because a client chooses the names that are looked up, and every object has members such as `constructor`. */
function read(path: string, given: Requirements): ReadonlyMap<string, Policy> {
  if (typeof given !== 'object' || given === null || Array.isArray(given) || isPolicy(given)) throw misuse(path, `must list requirements by name: ${WRITE}`);
  const entries = given instanceof Map ? [...(given as ReadonlyMap<unknown, unknown>)] : Object.entries(given);
  return new Map(
    entries.map(([name, one]) => {
      if (typeof name !== 'string' || name === '') throw misuse(path, 'lists a name that is not a text');
      return [name, requirement(`${path} "${shownMember(name)}"`, one)];
    }),
  );
}

/** @throws ConfigurationError if no token can satisfy the policy of the endpoint and that of one of its tools or methods */
export function assertFits(path: string, endpoint: Policy, requirements: Requirements): void {
  for (const [name, one] of read(path, requirements)) {
    const contradiction = contradictionIn([endpoint, one]);
    if (contradiction !== undefined) throw misuse(`${path} "${shownMember(name)}"`, contradiction);
  }
}

function requirement(path: string, given: unknown): Policy {
  if (given === 'authenticated') return ENDPOINT;
  if (isPolicy(given)) return given;
  throw misuse(path, `requires neither a policy nor 'authenticated'. Write ${WRITE}`);
}

const WRITE = "{ list_orders: 'authenticated', delete_order: scope('orders:write') }";
