import { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { asError } from '@tokenward/core/adapter';

/** As much of Koa's application as makes an answer of a context. */
interface Application {
  readonly response: object;
  emit(name: 'error', error: Error, context: Context): boolean;
  handleRequest(context: Context, run: (context: Context) => Promise<unknown>): Promise<unknown>;
}

/**
 * Sends an answer at once, by Koa's own means, on a context of its own. What anybody writes from here on, on the one that they have, is written on nothing;
 * what stands upstream sees the answer there.
 */
export async function answerByKoa(context: Context, pass: ServerResponse, answer: (own: Context) => Promise<void>): Promise<void> {
  const app = context.app as unknown as Application;
  const own = Object.create(context, { res: { value: pass }, respond: { value: true } }) as Context;
  const response = responseOf(app, own, pass);
  // from the one request and its response nobody gets to the others, which are closed
  const request = Object.assign(Object.create(context.request) as object, { ctx: own, res: pass, response });
  Object.assign(response, { request });
  Object.defineProperties(own, { request: { value: request }, response: { value: response } });
  Object.defineProperty(own, 'onerror', { value: context.onerror.bind(own) });
  // what fails from here on, of whoever goes on in spite of the refusal, has no answer to make: it is told to the app, and ends nothing
  Object.assign(context, { onerror: (error: unknown) => void (error === null || error === undefined || app.emit('error', asError(error), context)) });
  const nowhere = new ServerResponse(context.req);
  Object.defineProperty(context, 'response', { value: responseOf(app, context, nowhere), configurable: true, writable: true });
  context.respond = false;
  await app.handleRequest(own, () => answer(own));
  context.status = own.status;
  for (const [name, value] of Object.entries(pass.getHeaders())) if (value !== undefined) nowhere.setHeader(name, value);
}

function responseOf(app: Application, context: Context, res: ServerResponse): object {
  const { req, request } = context;
  return Object.assign(Object.create(app.response) as object, { app, ctx: context, req, res, request });
}

/** Stops the code behind an `await` of a guard whose refusal was sent. It is nothing that anybody has to hear of. */
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
