/** An app on Express. Its arguments: what protects it, and the file with its settings. */
import express from 'express';
import { createBrowserSession } from '@tokenward/browser-session/express';
import { memorySessions } from '@tokenward/core';
import { createGuard, getAuth } from '@tokenward/express';
import { listen } from '../http/servers/listen.ts';
import { ownAnswer } from '../http/servers/answer.ts';
import { readSettings, sessionOptions } from './settings.ts';

export type Protection = 'none' | 'bearer' | 'sealed' | 'stored' | 'proxy' | 'token';

const [, , protection, path] = process.argv as unknown as [string, string, Protection, string];
const { issuer, audience, stored, apiOrigin } = readSettings(path);
const store = protection === 'stored' ? memorySessions() : undefined;
for (const session of store ? stored : []) await store!.create(session);
const mode = protection === 'token' ? 'token-mediating' : 'bff';
const session = ['none', 'bearer'].includes(protection) ? undefined : createBrowserSession({ ...sessionOptions(issuer), store, mode });
const app = express();

if (protection === 'none') {
  const me = ownAnswer(issuer);
  app.get('/me', (_req, res) => void res.json(me));
} else if (protection === 'proxy') app.use('/api', session!.proxy({ to: apiOrigin!, methods: ['GET'], paths: ['/'] }));
else if (protection === 'token') app.use(session!.routes());
else {
  const guard = createGuard({ issuer, audience, session });
  app.get('/me', guard(), (req, res) => {
    const { subject, issuer: by, clientId = null, scopes, roles } = getAuth(req);
    res.json({ subject, issuer: by, clientId, scopes, roles });
  });
}

listen(app);
