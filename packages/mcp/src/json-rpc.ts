/** What a JSON-RPC message asks for. */
export interface Call {
  readonly method: string;
  /** Of `tools/call`, the name of the tool. */
  readonly tool: string | undefined;
}

/** Why a body is not understood, in fixed words for operators. */
export type OddBody = 'no parsed body' | 'not a JSON-RPC message' | 'an empty batch' | 'a batch that is too long' | 'a tool call without the name of a tool';

/** The limit of the MCP SDK. */
const MAX_MESSAGES = 100;

const TOOLS_CALL = 'tools/call';

/**
 * Returns the calls that a parsed body contains, or why it is not understood. The SDK reads the same value afterwards, and copies it. So a message passes only
 * if every reader finds the same members in it: own members of plain objects, and no `__proto__`, which a careless copy would turn into a prototype.
 */
export function callsIn(body: unknown): readonly Call[] | OddBody {
  if (body === undefined) return 'no parsed body';
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
  if (messages.length === 0) return 'an empty batch';
  if (messages.length > MAX_MESSAGES) return 'a batch that is too long';
  const calls: Call[] = [];
  for (const message of messages) {
    const call = callOf(message);
    if (typeof call === 'string') return call;
    if (call) calls.push(call);
  }
  return calls;
}

/** Returns the call of one message; undefined for the answer to a request of the server, which calls nothing. */
function callOf(message: unknown): Call | OddBody | undefined {
  if (!isPlain(message)) return 'not a JSON-RPC message';
  const method = own(message, 'method');
  if (method === undefined) return Object.hasOwn(message, 'result') || Object.hasOwn(message, 'error') ? undefined : 'not a JSON-RPC message';
  if (typeof method !== 'string') return 'not a JSON-RPC message';
  const params = own(message, 'params');
  if (params !== undefined && !isPlain(params)) return 'not a JSON-RPC message';
  if (method !== TOOLS_CALL) return { method, tool: undefined };
  const tool = params && own(params, 'name');
  return typeof tool === 'string' ? { method, tool } : 'a tool call without the name of a tool';
}

/** Whether a value is an object as a JSON parser makes it. A Buffer, a stream or a form is not, and neither is an object that changes its prototype in a copy. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.hasOwn(value, '__proto__')) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Never reads a member that the message does not have itself. */
function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
