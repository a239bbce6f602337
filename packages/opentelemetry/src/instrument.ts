import { createNoopMeter, metrics } from '@opentelemetry/api';
import { readOptions, type InstrumentationOptions } from './options.js';
import { recordingOf } from './recording.js';

/** Ends an instrumentation: its guards are asked no more, and with the last one of a meter provider nothing is counted any more. */
export type TokenwardInstrumentation = () => void;

/**
 * Makes metrics and span attributes of what guards tell. Call it at start-up, behind the start of the OpenTelemetry SDK and ahead of the first
 * request: the issuers that the guards have by then become labels.
 *
 * The events are those of the whole process: instrumentations of one meter provider count each once, whichever guards they name.
 *
 * @throws ConfigurationError that lists all that is wrong with the options; also where a guard, or its name, is instrumented already by the same
 * meter provider
 * @returns ends it
 *
 * @example
 * const guard = createGuard({ issuer: 'https://login.example.com', audience: 'https://api.example.com' });
 * const stop = instrumentTokenward({ guards: { api: guard } });
 */
export function instrumentTokenward(options: InstrumentationOptions): TokenwardInstrumentation {
  const instrumentation = readOptions(options);
  const stop = recordingOf(instrumentation.meterProvider).add(instrumentation);
  if (options.meterProvider === undefined) warnOfNoMeters();
  return stop;
}

/** The API hands out no meters that come to life when an SDK is registered later. */
function warnOfNoMeters(): void {
  if (metrics.getMeterProvider().getMeter('@tokenward/opentelemetry') !== createNoopMeter()) return;
  process.emitWarning('no meter provider is registered: no metrics are recorded. Start the OpenTelemetry SDK before instrumentTokenward()', {
    code: 'TOKENWARD_NO_METERS',
  });
}
