/* eslint-disable oxc/no-async-endpoint-handlers -- Express 5 passes a rejection to its error handler */
import type { AddressInfo } from 'node:net';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import express from 'express';
import { createGuard, getAuth, observe, role } from '@tokenward/express';
import { instrumentTokenward } from '@tokenward/opentelemetry';
import { redisRevocations } from '@tokenward/redis';

const store = redisRevocations({ url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379' });
const guard = createGuard({ revocations: { store } }); // also reads ISSUER_BASE_URL and AUDIENCE
const exporter = new PrometheusExporter({ preventServerStart: true });
const stopMetrics = instrumentTokenward({ guards: { api: guard }, meterProvider: new MeterProvider({ readers: [exporter] }) });
observe('tokenward:revoked-token-used', ({ kind, reason }) => console.log(`refused a revoked token (${kind}: ${reason})`));

const app = express();

app.get('/me', guard(), (req, res) => {
  res.json({ subject: getAuth(req).subject, process: process.pid });
});

// revokes the token of this request in every process
app.post('/logout', guard(), async (req, res) => {
  const { tokenId, expiresAt } = getAuth(req);
  if (tokenId === undefined) {
    res.status(409).json({ message: 'the token has no jti, so it cannot be revoked alone' });
    return;
  }
  await guard.revocations.revoke({ tokenId }, { until: expiresAt, reason: 'logout' });
  res.status(204).end();
});

// the subject's roles have changed: earlier tokens get 401, so that clients fetch new ones
app.post('/subjects/:subject/changed', guard(role('admin')), async (req, res) => {
  await guard.revocations.subjectChanged({ subject: req.params.subject });
  res.status(204).end();
});

app.post('/backchannel-logout', guard.backchannelLogout({ clientId: 'web-app' }));

// ends when the token expires or is revoked
app.get('/events', guard(), (req, res) => {
  const { subject, signal } = getAuth(req);
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  res.write(`data: hello ${subject}\n\n`);
  signal.addEventListener('abort', () => res.end(), { once: true });
});

app.get('/ready', (req, res) => {
  const { ready } = guard.health();
  res.status(ready ? 200 : 503).json({ ready });
});

app.get('/metrics', (req, res) => exporter.getMetricsRequestHandler(req, res));

// without keys or revocations the process starts too: it answers 503 and retries, and /ready shows it
await guard.warm().catch((error: Error) => console.error(error.message));
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  stopMetrics();
  void guard.close();
  void store.close();
});
