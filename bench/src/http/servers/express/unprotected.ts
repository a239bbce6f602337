import express from 'express';
import { ownAnswer } from '../answer.ts';
import { listen, setting } from '../listen.ts';

const me = ownAnswer(setting('ISSUER_BASE_URL'));
const app = express();

app.get('/me', (_req, res) => {
  res.json(me);
});

listen(app);
