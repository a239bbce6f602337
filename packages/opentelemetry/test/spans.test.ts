import { context, metrics, SpanStatusCode, trace, type Attributes } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { instrumentTokenward } from '@tokenward/opentelemetry';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { createMetrics, createScene, type Scene } from './scene.js';

const exporter = new InMemorySpanExporter();
const tracers = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(tracers);
});

beforeEach(() => exporter.reset());

afterAll(async () => {
  trace.disable();
  context.disable();
  metrics.disable();
  await tracers.shutdown();
});

/** Returns the span that is active during a decision, like one of an HTTP instrumentation. */
async function spanOf(decide: () => unknown): Promise<ReadableSpan> {
  await tracers.getTracer('test').startActiveSpan('GET /orders', async (span) => {
    await decide();
    span.end();
  });
  await tracers.forceFlush();
  return exporter.getFinishedSpans().at(-1)!;
}

async function attributesOf(decide: () => unknown): Promise<Attributes> {
  return (await spanOf(decide)).attributes;
}

async function instrumented(tracing?: boolean): Promise<Scene> {
  const scene = await createScene();
  onTestFinished(instrumentTokenward({ guards: { api: scene.guard }, meterProvider: createMetrics().provider, tracing }));
  return scene;
}

test('records an accepted request, with and without a wait for keys', async () => {
  const { issuer, decide } = await instrumented();
  const token = await issuer.issueToken();
  const expected = { 'tokenward.outcome': 'accepted', 'tokenward.issuer': issuer.issuer };
  expect(await attributesOf(() => decide(token))).toEqual(expected);
  expect(await attributesOf(() => decide(token))).toEqual(expected);
});

test('records an anonymous request', async () => {
  const { issuer, decide } = await instrumented();
  expect(await attributesOf(() => decide(undefined, { credentials: 'optional' }))).toEqual({
    'tokenward.outcome': 'anonymous',
    'tokenward.issuer': issuer.issuer,
  });
});

test('records the reason of a refusal, and leaves error.type to the creator of the span', async () => {
  const { issuer, decide } = await instrumented();
  expect(await attributesOf(() => decide({ lifetimeSeconds: -100 }))).toEqual({
    'tokenward.outcome': 'refused',
    'tokenward.reason': 'expired',
    'tokenward.issuer': issuer.issuer,
  });
});

test('leaves the status of the span to the HTTP instrumentation, even for a 503', async () => {
  const { issuer, decide } = await instrumented();
  issuer.misbehave('error');
  const span = await spanOf(() => decide({}));
  expect(span.attributes).toMatchObject({ 'tokenward.outcome': 'refused', 'tokenward.reason': 'keys_unavailable' });
  expect(span.status).toEqual({ code: SpanStatusCode.UNSET });
  expect(span.events).toEqual([]);
});

test('records each of several requests that wait for the same keys on its own span', async () => {
  const { issuer, decide } = await instrumented();
  const good = await issuer.issueToken();
  await Promise.all([spanOf(() => decide(good)), spanOf(() => decide({ lifetimeSeconds: -100 })), spanOf(() => decide(undefined))]);
  const outcomes = exporter.getFinishedSpans().map(({ attributes }) => String(attributes['tokenward.reason'] ?? attributes['tokenward.outcome']));
  expect(outcomes.sort()).toEqual(['accepted', 'expired', 'missing_token']);
});

test('rule 142: no part of the token, its subject or its client is on a span', async () => {
  const { issuer, decide } = await instrumented();
  const token = await issuer.issueToken({ subject: 'planted-subject', clientId: 'planted-client' });
  await spanOf(() => decide(token));
  await spanOf(() => decide(`${token}x`));
  const recorded = JSON.stringify(exporter.getFinishedSpans().map(({ attributes, events, links, status }) => ({ attributes, events, links, status })));
  expect(recorded).toContain('malformed_token');
  expect(recorded).not.toContain('planted');
  for (const part of token.split('.')) expect(recorded).not.toContain(part.slice(0, 24));
});

test('tracing: false adds nothing to spans', async () => {
  const { decide } = await instrumented(false);
  expect(await attributesOf(() => decide({}))).toEqual({});
});

test('adds nothing to spans after stop()', async () => {
  const { guard, decide } = await createScene();
  const stop = instrumentTokenward({ guards: { api: guard }, meterProvider: createMetrics().provider });
  stop();
  expect(await attributesOf(() => decide({}))).toEqual({});
});

test('does nothing if no span is active', async () => {
  const { decide } = await instrumented();
  expect(await decide({})).toMatchObject({ outcome: 'allow' });
  expect(exporter.getFinishedSpans()).toEqual([]);
});
