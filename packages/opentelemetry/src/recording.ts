import type { MeterProvider } from '@opentelemetry/api';
import { ConfigurationError } from '@tokenward/core';
import { shownMember } from '@tokenward/core/adapter';
import { healthOf, observeHealth } from './guard-health.js';
import { createInstruments } from './instruments.js';
import { createIssuerLabels, issuersAtStart, issuersWithKeys } from './issuer-labels.js';
import { listen, startAtZero } from './listeners.js';
import type { HasHealth, Instrumentation } from './options.js';

/** What the instrumentations of one meter provider record together. */
export interface Recording {
  /** @throws ConfigurationError if a guard or its name is recorded already. @returns a function that ends the instrumentation */
  add(instrumentation: Instrumentation): () => void;
}

/**
 * Events belong to the process, not to a guard. If each instrumentation listened, each request would be counted several times. So the
 * instrumentations of one meter provider share a recording.
 */
const recordings = new WeakMap<MeterProvider, Recording>();

export function recordingOf(meterProvider: MeterProvider): Recording {
  const known = recordings.get(meterProvider);
  if (known) return known;
  const recording = createRecording(meterProvider);
  recordings.set(meterProvider, recording);
  return recording;
}

function createRecording(meterProvider: MeterProvider): Recording {
  const meter = meterProvider.getMeter('@tokenward/opentelemetry');
  const instruments = createInstruments(meter);
  const guards = new Map<string, HasHealth>();
  const labels = createIssuerLabels(currentIssuers, (attributes) => startAtZero(instruments, attributes));
  const health = observeHealth(instruments, guards, labels);
  const tracing = new Set<symbol>();
  let stop: (() => void) | undefined;

  function currentIssuers(): string[] {
    return [...guards].flatMap(([name, guard]) => {
      const state = healthOf(name, guard);
      return state ? issuersWithKeys(state) : [];
    });
  }

  function requireNew(added: ReadonlyMap<string, HasHealth>): void {
    const names = new Map([...guards].map(([name, guard]) => [guard, name]));
    const problems = [...added].flatMap(([name, guard]) => {
      const path = `guards.${shownMember(name)}`;
      if (names.has(guard))
        return [
          {
            path,
            message: `is already instrumented as "${shownMember(names.get(guard)!)}": end that instrumentation first, by calling the function that it returned`,
          },
        ];
      return guards.has(name) ? [{ path, message: 'is the name of a guard that is already instrumented: use another name' }] : [];
    });
    if (problems.length > 0) throw new ConfigurationError(problems);
  }

  function start(): () => void {
    meter.addBatchObservableCallback(health.callback, health.instruments);
    const stopListening = listen(instruments, labels, () => tracing.size > 0);
    return () => {
      stopListening();
      meter.removeBatchObservableCallback(health.callback, health.instruments);
    };
  }

  return {
    add({ guards: added, tracing: isTracing }) {
      requireNew(added);
      labels.add([...added.values()].flatMap((guard) => issuersAtStart(guard.health())));
      // this may throw, so it comes before the guards are added: a failed call must add none
      stop ??= start();
      const key = Symbol('instrumentation');
      for (const [name, guard] of added) guards.set(name, guard);
      if (isTracing) tracing.add(key);
      let hasEnded = false;
      return () => {
        if (hasEnded) return;
        hasEnded = true;
        for (const name of added.keys()) guards.delete(name);
        tracing.delete(key);
        if (guards.size > 0) return;
        stop?.();
        stop = undefined;
      };
    },
  };
}
