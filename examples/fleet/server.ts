/* eslint-disable oxc/no-async-endpoint-handlers -- Express 5 hands a rejection on to its error handler by itself */
import type { AddressInfo } from 'node:net';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import express from 'express';
import { createGuard, getAuth, observe, role } from '@tokenward/express';
import { instrumentTokenward } from '@tokenward/opentelemetry';
import { redisRevocations } from '@tokenward/redis';

const store = redisRevocations({ url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379' });
const guard = createGuard({ revocations: { store } }); // and ISSUER_BASE_URL and AUDIENCE
const exporter = new PrometheusExporter({ preventServerStart: true });
const stopMetrics = instrumentTokenward({ guards: { api: guard }, meterProvider: new MeterProvider({ readers: [exporter] }) });
observe('tokenward:revoked-token-used', ({ kind, reason }) => console.log(`refused a revoked token (${kind}: ${reason})`));

const app = express();

app.get('/me', guard(), (req, res) => {
  res.json({ subject: getAuth(req).subject, process: process.pid });
});

// the token that is shown is good for nothing from here on, in every process
app.post('/logout', guard(), async (req, res) => {
  const { tokenId, expiresAt } = getAuth(req);
  if (tokenId !== undefined) await guard.revocations.revoke({ tokenId }, { until: expiresAt, reason: 'logout' });
  res.status(204).end();
});

// roles have changed: who has an old token fetches a new one
app.post('/subjects/:subject/changed', guard(role('admin')), async (req, res) => {
  await guard.revocations.subjectChanged({ subject: req.params.subject });
  res.status(204).end();
});

app.post('/backchannel-logout', guard.backchannelLogout({ clientId: 'web-app' }));

// ends with the token
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

// one that is not ready yet serves 503 and goes on trying: /ready says so
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
