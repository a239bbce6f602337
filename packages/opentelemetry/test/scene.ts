import type { IncomingHttpHeaders } from 'node:http';
import { channel } from 'node:diagnostics_channel';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader, type Histogram } from '@opentelemetry/sdk-metrics';
import type { Attributes } from '@opentelemetry/api';
import { createResourceGuard, type RouteRequirements, type Decision, type Events, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { createTestIssuer, type TestIssuer, type TokenOptions } from '@tokenward/testing';
import { onTestFinished } from 'vitest';

/** An issuer and its guard, for one test. */
export interface Scene {
  readonly issuer: TestIssuer;
  readonly guard: ResourceGuard;
  /** Returns the guard's decision on a request with this token, or with a token issued as described, or without one. */
  decide(token: TokenOptions | string | undefined, requirements?: RouteRequirements): Promise<Decision>;
}

export async function createScene(options: GuardOptions = {}): Promise<Scene> {
  const issuer = await createTestIssuer();
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  onTestFinished(async () => {
    await guard.close();
    await issuer.close();
  });
  return {
    issuer,
    guard,
    async decide(token, requirements) {
      const text = typeof token === 'object' ? await issuer.issueToken(token) : token;
      const headers: IncomingHttpHeaders = text === undefined ? {} : { authorization: `Bearer ${text}` };
      return guard.check({ method: 'GET', target: '/', headers }, requirements);
    },
  };
}

export interface Point {
  readonly attributes: Attributes;
  readonly value: number | Histogram;
}

/** OpenTelemetry's SDK with an exporter that keeps metrics in memory. */
export interface Metrics {
  readonly provider: MeterProvider;
  /** Collects metrics and returns the points of one. */
  points(name: string): Promise<readonly Point[]>;
  /** Returns the value of the one point that has these attributes, or undefined if there is none. */
  value(name: string, attributes?: Attributes): Promise<number | Histogram | undefined>;
  /** Returns everything that was collected, as JSON. */
  all(): Promise<string>;
}

export function createMetrics(): Metrics {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown());

  async function collect() {
    exporter.reset();
    await provider.forceFlush();
    return exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  }

  async function points(name: string): Promise<readonly Point[]> {
    return (await collect()).filter(({ descriptor }) => descriptor.name === name).flatMap(({ dataPoints }) => dataPoints as readonly Point[]);
  }

  return {
    provider,
    points,
    async value(name, attributes = {}) {
      const found = (await points(name)).filter((point) => Object.entries(attributes).every(([key, value]) => point.attributes[key] === value));
      if (found.length > 1) throw new Error(`${name}: ${found.length} points have these attributes`);
      return found[0]?.value;
    },
    all: async () => JSON.stringify(await collect()),
  };
}

/** Publishes an event as core does. */
export function publish<N extends keyof Events>(name: N, event: Events[N]): void {
  channel(name).publish(event);
}
