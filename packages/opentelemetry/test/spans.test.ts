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

/** The span that is active while a request is decided on, as that of an HTTP instrumentation would be. */
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

test('an accepted request, also where keys had to be waited for', async () => {
  const { issuer, decide } = await instrumented();
  const token = await issuer.issueToken();
  const expected = { 'tokenward.outcome': 'accepted', 'tokenward.issuer': issuer.issuer };
  expect(await attributesOf(() => decide(token))).toEqual(expected);
  expect(await attributesOf(() => decide(token))).toEqual(expected);
});

test('an anonymous one', async () => {
  const { issuer, decide } = await instrumented();
  expect(await attributesOf(() => decide(undefined, { credentials: 'optional' }))).toEqual({
    'tokenward.outcome': 'anonymous',
    'tokenward.issuer': issuer.issuer,
  });
});

test('a refused one says why, and error.type is left to whoever made the span', async () => {
  const { issuer, decide } = await instrumented();
  expect(await attributesOf(() => decide({ lifetimeSeconds: -100 }))).toEqual({
    'tokenward.outcome': 'refused',
    'tokenward.reason': 'expired',
    'tokenward.issuer': issuer.issuer,
  });
});

test('a 503 sets no status: that is for the instrumentation of HTTP', async () => {
  const { issuer, decide } = await instrumented();
  issuer.misbehave('error');
  const span = await spanOf(() => decide({}));
  expect(span.attributes).toMatchObject({ 'tokenward.outcome': 'refused', 'tokenward.reason': 'keys_unavailable' });
  expect(span.status).toEqual({ code: SpanStatusCode.UNSET });
  expect(span.events).toEqual([]);
});

test('requests that wait for the same keys come out on their own spans', async () => {
  const { issuer, decide } = await instrumented();
  const good = await issuer.issueToken();
  await Promise.all([spanOf(() => decide(good)), spanOf(() => decide({ lifetimeSeconds: -100 })), spanOf(() => decide(undefined))]);
  const outcomes = exporter.getFinishedSpans().map(({ attributes }) => String(attributes['tokenward.reason'] ?? attributes['tokenward.outcome']));
  expect(outcomes.sort()).toEqual(['accepted', 'expired', 'missing_token']);
});

test('rule 142: nothing of the token, its subject or its client is on a span', async () => {
  const { issuer, decide } = await instrumented();
  const token = await issuer.issueToken({ subject: 'planted-subject', clientId: 'planted-client' });
  await spanOf(() => decide(token));
  await spanOf(() => decide(`${token}x`));
  const told = JSON.stringify(exporter.getFinishedSpans().map(({ attributes, events, links, status }) => ({ attributes, events, links, status })));
  expect(told).toContain('malformed_token');
  expect(told).not.toContain('planted');
  for (const part of token.split('.')) expect(told).not.toContain(part.slice(0, 24));
});

test('tracing: false leaves spans alone', async () => {
  const { decide } = await instrumented(false);
  expect(await attributesOf(() => decide({}))).toEqual({});
});

test('after its end spans are left alone', async () => {
  const { guard, decide } = await createScene();
  const stop = instrumentTokenward({ guards: { api: guard }, meterProvider: createMetrics().provider });
  stop();
  expect(await attributesOf(() => decide({}))).toEqual({});
});

test('where no span is active nothing happens', async () => {
  const { decide } = await instrumented();
  expect(await decide({})).toMatchObject({ outcome: 'allow' });
  expect(exporter.getFinishedSpans()).toEqual([]);
});
