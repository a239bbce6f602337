import { metrics, type MeterProvider } from '@opentelemetry/api';
import { ConfigurationError, type GuardHealth } from '@tokenward/core';
import { OptionReader, plainOptions, readTable, shownMember, type OptionTable } from '@tokenward/core/adapter';

/** The part of a guard that the instrumentation reads. The guards of every adapter and of `createResourceGuard` have it. */
export interface HasHealth {
  health(): GuardHealth;
}

export interface InstrumentationOptions {
  /** The guards whose state is recorded, by name: `{ api: guard }`. Names consist of letters, digits, `_`, `.` and `-`. */
  readonly guards: Readonly<Record<string, HasHealth>>;
  /** Default: the provider that is registered globally at the time of the call. */
  readonly meterProvider?: MeterProvider | undefined;
  /** Whether decisions are added to the active span. Default: true. */
  readonly tracing?: boolean | undefined;
}

export interface Instrumentation {
  readonly guards: ReadonlyMap<string, HasHealth>;
  readonly meterProvider: MeterProvider;
  readonly tracing: boolean;
}

/** Guard names become labels, so they are short. */
const GUARD_NAME = /^[\w.-]{1,64}$/;

/** @throws ConfigurationError that lists all invalid options */
export function readOptions(options: InstrumentationOptions): Instrumentation {
  const reader = new OptionReader(plainOptions(options), Object.keys(OPTIONS));
  const instrumentation = readTable(reader, OPTIONS);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return instrumentation;
}

const OPTIONS = {
  guards: readGuards,
  meterProvider: readMeterProvider,
  tracing: (reader: OptionReader, name: string) => reader.get(name) === undefined || reader.flag(name),
} satisfies OptionTable<InstrumentationOptions>;

function readGuards(reader: OptionReader): ReadonlyMap<string, HasHealth> {
  const given = reader.get('guards');
  const guards = new Map<string, HasHealth>();
  if (typeof given !== 'object' || given === null || Array.isArray(given) || Object.keys(given).length === 0) {
    reader.wrong('guards', 'must be an object with at least one guard, such as { api: guard }');
    return guards;
  }
  const names = new Map<unknown, string>();
  for (const [name, guard] of Object.entries(given as Record<string, unknown>)) {
    const path = `guards.${shownMember(name)}`;
    if (!GUARD_NAME.test(name)) reader.wrong('guards', 'has a name that cannot be a label: use at most 64 letters, digits, _, . and -');
    else if (!hasHealth(guard)) reader.wrong(path, 'must be a guard: it has no health()');
    else if (names.has(guard)) reader.wrong(path, `is the same guard as guards.${shownMember(names.get(guard)!)}: name it once`);
    else guards.set(name, guard);
    names.set(guard, name);
  }
  return guards;
}

function hasHealth(guard: unknown): guard is HasHealth {
  return guard !== null && guard !== undefined && typeof (guard as Partial<HasHealth>).health === 'function';
}

function readMeterProvider(reader: OptionReader): MeterProvider {
  const given = reader.get('meterProvider') as Partial<MeterProvider> | null | undefined;
  if (given !== undefined && typeof given?.getMeter !== 'function') reader.wrong('meterProvider', 'must be a MeterProvider: it has no getMeter()');
  return (given as MeterProvider | undefined) ?? metrics.getMeterProvider();
}
