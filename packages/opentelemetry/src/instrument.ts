import { createNoopMeter, metrics } from '@opentelemetry/api';
import { readOptions, type InstrumentationOptions } from './options.js';
import { recordingOf } from './recording.js';

/** Ends an instrumentation: its guards are no longer read. When the last instrumentation of a meter provider ends, counting stops. */
export type TokenwardInstrumentation = () => void;

/**
 * Records the decisions and the state of guards as metrics and span attributes. Call it at start-up, after the OpenTelemetry SDK has started and
 * before the first request: the issuers that the guards know by then become labels.
 *
 * Events belong to the whole process. Several instrumentations of one meter provider count each event once, whichever guards they name.
 *
 * @throws ConfigurationError that lists all invalid options, or if the meter provider already instruments a guard of that name, or the same guard
 * @returns a function that ends the instrumentation
 *
 * @example
 * const guard = createGuard({ issuer: 'https://login.example.com', audience: 'https://api.example.com' });
 * const stop = instrumentTokenward({ guards: { api: guard } });
 */
export function instrumentTokenward(options: InstrumentationOptions): TokenwardInstrumentation {
  const instrumentation = readOptions(options);
  const stop = recordingOf(instrumentation.meterProvider).add(instrumentation);
  if (options.meterProvider === undefined) warnIfNoMeters();
  return stop;
}

/** Warns if no SDK has started: meters from before its start never record anything. */
function warnIfNoMeters(): void {
  if (metrics.getMeterProvider().getMeter('@tokenward/opentelemetry') !== createNoopMeter()) return;
  process.emitWarning('no meter provider is registered: no metrics are recorded. Start the OpenTelemetry SDK before instrumentTokenward()', {
    code: 'TOKENWARD_NO_METERS',
  });
}
