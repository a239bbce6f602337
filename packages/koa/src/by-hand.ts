import { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { asError } from '@tokenward/core/adapter';

/** The members of Koa's application that sending an answer needs. */
interface Application {
  readonly response: object;
  emit(name: 'error', error: Error, context: Context): boolean;
  handleRequest(context: Context, run: (context: Context) => Promise<unknown>): Promise<unknown>;
}

/**
 * Sends an answer at once, through Koa, on a context of its own. What others write on the original context is ignored from now on. Upstream
 * middleware sees the answer's status and headers on the original.
 */
export async function answerByKoa(context: Context, pass: ServerResponse, answer: (own: Context) => Promise<void>): Promise<void> {
  const app = context.app as unknown as Application;
  const own = Object.create(context, { res: { value: pass }, respond: { value: true } }) as Context;
  const response = responseOf(app, own, pass);
  // neither this request nor this response has a reference to the closed ones
  const request = Object.assign(Object.create(context.request) as object, { ctx: own, res: pass, response });
  Object.assign(response, { request });
  Object.defineProperties(own, { request: { value: request }, response: { value: response } });
  Object.defineProperty(own, 'onerror', { value: context.onerror.bind(own) });
  // if code goes on despite the refusal and fails, the app reports the error but does not answer it
  Object.assign(context, { onerror: (error: unknown) => void (error === null || error === undefined || app.emit('error', asError(error), context)) });
  const discarded = new ServerResponse(context.req);
  Object.defineProperty(context, 'response', { value: responseOf(app, context, discarded), configurable: true, writable: true });
  context.respond = false;
  await app.handleRequest(own, () => answer(own));
  context.status = own.status;
  for (const [name, value] of Object.entries(pass.getHeaders())) if (value !== undefined) discarded.setHeader(name, value);
}

function responseOf(app: Application, context: Context, res: ServerResponse): object {
  const { req, request } = context;
  return Object.assign(Object.create(app.response) as object, { app, ctx: context, req, res, request });
}

/** The error with which a guard rejects after it sent a refusal, so that the code after its `await` does not run. Koa does not report it. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly expose = true;

  constructor(status: number, title: string, context: Context) {
    super(title);
    this.status = status;
    const onerror = context.onerror.bind(context);
    Object.assign(context, { onerror: (error: Error) => (error === this ? undefined : onerror(error)) });
  }
}
