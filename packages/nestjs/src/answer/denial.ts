import { HttpException, type ExecutionContext } from '@nestjs/common';
import type { Deny, ProblemDetails, Reason, ResponseHeaders } from '@tokenward/core';

/**
 * A refusal as an exception, for HTTP and GraphQL: exception filters see it like any other. Its response is the problem details that the
 * client gets; the headers are already on the answer when it is thrown.
 */
export class AccessDeniedException extends HttpException {
  override readonly name = 'AccessDeniedException';
  declare readonly headers: ResponseHeaders;
  /** For operators, never for the wire: what exactly was wrong. It is in no serialisation. */
  declare readonly reason: Reason;
  /** What GraphQL tells its client beside the message. */
  readonly extensions: RefusalDetails & { readonly code: string };

  constructor(decision: Deny) {
    super({ ...decision.body }, decision.status);
    this.message = decision.body.detail;
    Object.defineProperties(this, { headers: { value: decision.headers }, reason: { value: decision.reason } });
    this.extensions = { code: CODES[decision.status], ...detailsOf(decision) };
  }
}

/** The codes that GraphQL's clients know. */
const CODES = { 400: 'BAD_REQUEST', 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN', 503: 'SERVICE_UNAVAILABLE' } as const satisfies Record<Deny['status'], string>;

/** A refusal where there are no headers: the problem details, and the challenge that HTTP would have sent. */
export interface RefusalDetails extends ProblemDetails {
  readonly challenge?: string | string[];
}

export function detailsOf({ body, headers }: Deny): RefusalDetails {
  const challenge = headers['www-authenticate'];
  return { ...body, ...(challenge !== undefined && { challenge }) };
}

type DetailsException = new (details: object) => Error;

/** Exceptions whose details reach the client of a socket or a message, from Nest's optional packages. */
const exceptions: { ws?: DetailsException; rpc?: DetailsException } = {};

/** Loads what refusals in these kinds of handlers are thrown as. */
export async function loadExceptions(kinds: ReadonlySet<string>): Promise<void> {
  if (kinds.has('ws')) exceptions.ws = (await import('@nestjs/websockets')).WsException;
  if (kinds.has('rpc')) exceptions.rpc = (await import('@nestjs/microservices')).RpcException;
}

/** A refusal as what the context's own exception filter tells the client. */
export function exceptionOf(decision: Deny, context: ExecutionContext): Error {
  const type = context.getType<string>();
  const OfContext = type === 'ws' || type === 'rpc' ? exceptions[type] : undefined;
  if (!OfContext) return new AccessDeniedException(decision);
  const details = detailsOf(decision);
  return new OfContext(type === 'rpc' && isGrpc(context) ? { code: GRPC_CODES[decision.status], message: details.detail, ...details } : details);
}

/** gRPC's status codes: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE. */
const GRPC_CODES = { 400: 3, 401: 16, 403: 7, 503: 14 } as const satisfies Record<Deny['status'], number>;

/** A handler of gRPC gets its call as a third argument. */
function isGrpc(context: ExecutionContext): boolean {
  const call = context.getArgByIndex<{ getPath?: unknown; sendMetadata?: unknown } | undefined>(2);
  return typeof call?.getPath === 'function' || typeof call?.sendMetadata === 'function';
}
