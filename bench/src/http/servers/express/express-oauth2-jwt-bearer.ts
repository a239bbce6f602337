import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { answerFrom } from '../answer.ts';
import { listen, setting } from '../listen.ts';

const app = express();

app.get('/me', auth({ issuerBaseURL: setting('ISSUER_BASE_URL'), audience: setting('AUDIENCE') }), (req, res) => {
  res.json(answerFrom(req.auth!.payload));
});

listen(app);
