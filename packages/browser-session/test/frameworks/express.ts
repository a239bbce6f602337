import type { RequestListener } from 'node:http';
import express5 from 'express';
import express4 from 'express4';
import { createBrowserSession } from '@tokenward/browser-session/express';
import { createGuard, getAuth } from '@tokenward/express';
import type { AppParts, FrameworkApp } from './app-parts.ts';

function appOf(express: typeof express5) {
  return async ({ options, audience, api, files = new Map() }: AppParts): Promise<FrameworkApp> => {
    const session = createBrowserSession(options);
    const guard = createGuard({ issuer: options.issuer, audience, session });
    const proxy = session.proxy({ mountPath: '/api', to: api, methods: ['GET', 'POST', 'PUT', 'DELETE'], paths: ['/'], webSockets: true });
    const app = express();
    app.use(express.json(), express.urlencoded({ extended: true }));
    app.use((_request, response, next) => {
      response.appendHeader('set-cookie', 'theme=dark').vary('origin');
      next();
    });
    app.use(session.routes());
    app.use('/api', proxy);
    for (const [path, { type, text }] of files) app.get(path, (_request, response) => void response.type(type).send(text));
    app.get('/page', (request, response, next) => {
      session.get(request).then((user) => response.json({ user: user ?? null }), next);
    });
    app.use(guard());
    app.get('/me', (request, response) => void response.json({ subject: getAuth(request).subject }));
    app.post('/echo', (request, response) => void response.json(request.body));
    return {
      session,
      upgrade: proxy.upgrade,
      listener: app as unknown as RequestListener,
      async close() {
        await Promise.all([session.close(), guard.close()]);
      },
    };
  };
}

export const express5App = appOf(express5);
export const express4App = appOf(express4);
