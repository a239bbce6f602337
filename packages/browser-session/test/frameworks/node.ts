import type { IncomingMessage, ServerResponse } from 'node:http';
import { createBrowserSession } from '@tokenward/browser-session/node';
import { createResourceGuard } from '@tokenward/core';
import type { AppParts, FrameworkApp } from './app-parts.ts';

export async function nodeApp({ options, audience, api }: AppParts): Promise<FrameworkApp> {
  const session = createBrowserSession(options);
  const guard = createResourceGuard({ issuer: options.issuer, audience, session });
  const routes = session.routes();
  const proxy = session.proxy({ mountPath: '/api', to: api, methods: ['GET', 'POST', 'PUT', 'DELETE'], paths: ['/'], webSockets: true });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if ((await routes(request, response)) || (await proxy(request, response))) return;
    const route = `${request.method} ${request.url!.split('?')[0]}`;
    if (route === 'GET /page') return send(response, 200, { user: (await session.get(request)) ?? null });
    const decision = await guard.check({ method: request.method!, target: request.url!, headers: request.headers });
    for (const [name, value] of Object.entries(decision.headers)) response.setHeader(name, value);
    if (decision.outcome === 'deny') return send(response, decision.status, decision.body);
    if (route === 'GET /me') return send(response, 200, { subject: decision.auth!.subject });
    if (route === 'POST /echo') return send(response, 200, JSON.parse(Buffer.concat(await request.toArray()).toString()) as object);
    return send(response, 404, {});
  }

  return {
    session,
    upgrade: proxy.upgrade,
    listener: (request, response) => void answer(request, response),
    async close() {
      await Promise.all([session.close(), guard.close()]);
    },
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
