import { HttpException, type ExecutionContext } from '@nestjs/common';
import type { Deny, ProblemDetails, Reason, ResponseHeaders } from '@tokenward/core';

/**
 * A refusal as an exception, for HTTP and GraphQL. Exception filters receive it like any other exception. `getResponse()` returns the problem details that the
 * client gets. The headers are already set on the response when the exception is thrown.
 */
export class AccessDeniedException extends HttpException {
  override readonly name = 'AccessDeniedException';
  declare readonly headers: ResponseHeaders;
  /** Why the request was refused: for operators, never for the client. Serialisation leaves it out. */
  declare readonly reason: Reason;
  /** What a GraphQL client gets in addition to the message. */
  readonly extensions: RefusalDetails & { readonly code: string };

  constructor(decision: Deny) {
    super({ ...decision.body }, decision.status);
    this.message = decision.body.detail;
    Object.defineProperties(this, { headers: { value: decision.headers }, reason: { value: decision.reason } });
    this.extensions = { code: CODES[decision.status], ...detailsOf(decision) };
  }
}

/** The error codes that GraphQL clients know. */
const CODES = { 400: 'BAD_REQUEST', 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 503: 'SERVICE_UNAVAILABLE' } as const satisfies Record<Deny['status'], string>;

/** A refusal where there are no headers: the problem details, and the challenge that HTTP would carry in `WWW-Authenticate`. */
export interface RefusalDetails extends ProblemDetails {
  readonly challenge?: string | string[];
}

export function detailsOf({ body, headers }: Deny): RefusalDetails {
  const challenge = headers['www-authenticate'];
  return { ...body, ...(challenge !== undefined && { challenge }) };
}

type DetailsException = new (details: object) => Error;

/** Exceptions of Nest's optional packages, whose details reach the client of a socket or the sender of a message. */
const exceptions: { ws?: DetailsException; rpc?: DetailsException } = {};

/** Loads the exceptions that refusals become in these kinds of handlers. */
export async function loadExceptions(kinds: ReadonlySet<string>): Promise<void> {
  if (kinds.has('ws')) exceptions.ws = (await import('@nestjs/websockets')).WsException;
  if (kinds.has('rpc')) exceptions.rpc = (await import('@nestjs/microservices')).RpcException;
}

/** Returns the refusal as the exception that the context's own filter passes on to the client. */
export function exceptionOf(decision: Deny, context: ExecutionContext): Error {
  const type = context.getType<string>();
  const OfContext = type === 'ws' || type === 'rpc' ? exceptions[type] : undefined;
  if (!OfContext) return new AccessDeniedException(decision);
  const details = detailsOf(decision);
  return new OfContext(type === 'rpc' && isGrpc(context) ? { code: GRPC_CODES[decision.status], message: details.detail, ...details } : details);
}

/** gRPC's status codes: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE. */
const GRPC_CODES = { 400: 3, 401: 16, 403: 7, 503: 14 } as const satisfies Record<Deny['status'], number>;

/** gRPC handlers get the call as their third argument. */
function isGrpc(context: ExecutionContext): boolean {
  const call = context.getArgByIndex<{ getPath?: unknown; sendMetadata?: unknown } | undefined>(2);
  return typeof call?.getPath === 'function' || typeof call?.sendMetadata === 'function';
}
