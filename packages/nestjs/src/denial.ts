import { HttpException } from '@nestjs/common';
import type { Deny, ProblemDetails, Reason, ResponseHeaders } from '@tokenward/core';

/**
 * A refusal as an exception, for HTTP and GraphQL: exception filters see it like any other. Its response is the problem details that the
 * client gets; the headers are already on the answer when it is thrown.
 */
export class AccessDeniedException extends HttpException {
  override readonly name = 'AccessDeniedException';
  readonly headers: ResponseHeaders;
  /** For operators, never for the wire: what exactly was wrong. */
  readonly reason: Reason;
  /** What GraphQL tells its client beside the message. */
  readonly extensions: RefusalDetails & { readonly code: string };

  constructor(decision: Deny) {
    super({ ...decision.body }, decision.status);
    this.message = decision.body.detail;
    this.headers = decision.headers;
    this.reason = decision.reason;
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
export function exceptionOf(decision: Deny, contextType: string): Error {
  const OfContext = contextType === 'ws' || contextType === 'rpc' ? exceptions[contextType] : undefined;
  return OfContext ? new OfContext(detailsOf(decision)) : new AccessDeniedException(decision);
}
