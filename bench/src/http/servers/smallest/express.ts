import { createGuard, getAuth } from '@tokenward/express';
import express from 'express';
import { listen } from '../listen.ts';

// reads ISSUER_BASE_URL and AUDIENCE
const guard = createGuard();
const app = express();

app.get('/me', guard(), (req, res) => {
  const { subject, issuer, clientId = null, scopes, roles } = getAuth(req);
  res.json({ subject, issuer, clientId, scopes, roles });
});

listen(app);
