import type { MeterProvider } from '@opentelemetry/api';
import { ConfigurationError } from '@tokenward/core';
import { shownMember } from '@tokenward/core/adapter';
import { healthOf, observeHealth } from './guard-health.js';
import { createInstruments } from './instruments.js';
import { createIssuerLabels, issuersAtStart, issuersWithKeys } from './issuer-labels.js';
import { beginAtZero, listen } from './listeners.js';
import type { HasHealth, Instrumentation } from './options.js';

/** All that is recorded by one meter provider. */
export interface Recording {
  /** @throws ConfigurationError where one of the guards, or its name, is recorded already. @returns ends it */
  add(instrumentation: Instrumentation): () => void;
}

/**
 * Events are the process', and not a guard's: were each instrumentation to listen, every request would count as often as there are of them. So
 * those of one meter provider listen together.
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
  const labels = createIssuerLabels(known, (attributes) => beginAtZero(instruments, attributes));
  const health = observeHealth(instruments, guards, labels);
  const tracing = new Set<symbol>();
  let end: (() => void) | undefined;

  function known(): string[] {
    return [...guards].flatMap(([name, guard]) => {
      const state = healthOf(name, guard);
      return state ? issuersWithKeys(state) : [];
    });
  }

  function refuseTwice(added: ReadonlyMap<string, HasHealth>): void {
    const names = new Map([...guards].map(([name, guard]) => [guard, name]));
    const problems = [...added].flatMap(([name, guard]) => {
      const path = `guards.${shownMember(name)}`;
      if (names.has(guard)) return [{ path, message: `is instrumented already, as "${shownMember(names.get(guard)!)}": end that first, by what it returned` }];
      return guards.has(name) ? [{ path, message: 'is the name of a guard that is instrumented already: give it another' }] : [];
    });
    if (problems.length > 0) throw new ConfigurationError(problems);
  }

  function begin(): () => void {
    meter.addBatchObservableCallback(health.callback, health.instruments);
    const endListening = listen(instruments, labels, () => tracing.size > 0);
    return () => {
      endListening();
      meter.removeBatchObservableCallback(health.callback, health.instruments);
    };
  }

  return {
    add({ guards: added, tracing: isTracing }) {
      refuseTwice(added);
      labels.admit([...added.values()].flatMap((guard) => issuersAtStart(guard.health())));
      // what may throw comes first: a guard that is not recorded must not be taken for one
      end ??= begin();
      const key = Symbol('instrumentation');
      for (const [name, guard] of added) guards.set(name, guard);
      if (isTracing) tracing.add(key);
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        for (const name of added.keys()) guards.delete(name);
        tracing.delete(key);
        if (guards.size > 0) return;
        end?.();
        end = undefined;
      };
    },
  };
}
