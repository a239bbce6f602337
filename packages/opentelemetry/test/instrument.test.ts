import { diag, DiagLogLevel, metrics as globalMetrics, type MeterProvider } from '@opentelemetry/api';
import { ConfigurationError } from '@tokenward/core';
import { instrumentTokenward, type InstrumentationOptions } from '@tokenward/opentelemetry';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createMetrics, createScene, publish } from './scene.js';

const health = () => ({
  ready: true,
  issuers: [],
  introspection: [],
  decryption: undefined,
  tokenCache: undefined,
  revocations: { entries: 0, usable: true, ageSeconds: 0, uncheckedRequests: 0, lastError: undefined },
});

function problemsOf(options: unknown): readonly string[] {
  try {
    instrumentTokenward(options as InstrumentationOptions)();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

describe('options', () => {
  test('reports all invalid options at once', () => {
    const problems = problemsOf({ guards: { api: {}, 'a b': { health } }, meterProvider: {}, tracing: 'yes', meter: 1 });
    expect(problems).toEqual([
      'meter: is not an option (options: guards, meterProvider, tracing)',
      'guards.api: must be a guard: it has no health()',
      'guards: has a name that cannot be a label: use at most 64 letters, digits, _, . and -',
      'meterProvider: must be a MeterProvider: it has no getMeter()',
      'tracing: must be true or false (got a string of 3 characters)',
    ]);
  });

  test.each<[string, unknown]>([
    ['missing', undefined],
    ['an empty object', {}],
    ['a list', [{ health }]],
    ['null', null],
  ])('rejects guards that are %s', (_name, guards) => {
    expect(problemsOf({ guards })).toEqual(['guards: must be an object with at least one guard, such as { api: guard }']);
  });

  test.each([undefined, null, 'guards', [], new Date()])('rejects options that are %s', (options) => {
    expect(problemsOf(options)).toHaveLength(1);
  });

  test('rejects null as a guard and as a meter provider', () => {
    expect(problemsOf({ guards: { api: null }, meterProvider: null })).toEqual([
      'guards.api: must be a guard: it has no health()',
      'meterProvider: must be a MeterProvider: it has no getMeter()',
    ]);
  });

  test('rejects one guard under two names', () => {
    const guard = { health };
    expect(problemsOf({ guards: { one: guard, two: guard } })).toEqual(['guards.two: is the same guard as guards.one: name it once']);
  });

  test('uses the global meter provider by default, and warns if there is none', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
    onTestFinished(() => warn.mockRestore());
    instrumentTokenward({ guards: { api: { health } } })();
    expect(warn.mock.calls).toEqual([[expect.stringContaining('no meter provider is registered'), { code: 'TOKENWARD_NO_METERS' }]]);

    const { provider, value } = createMetrics();
    globalMetrics.setGlobalMeterProvider(provider);
    onTestFinished(() => globalMetrics.disable());
    onTestFinished(instrumentTokenward({ guards: { api: { health } } }));
    expect(warn).toHaveBeenCalledTimes(1);
    expect(await value('tokenward.guard.ready')).toBe(1);
  });
});

describe('several instrumentations', () => {
  test('count each request once with one meter provider', async () => {
    const one = await createScene();
    const two = await createScene();
    const { provider, value } = createMetrics();
    const stopOne = instrumentTokenward({ guards: { one: one.guard }, meterProvider: provider });
    const stopTwo = instrumentTokenward({ guards: { two: two.guard }, meterProvider: provider });
    await one.decide({});
    await two.decide({});
    const count = (scene: typeof one) => value('tokenward.requests', { 'tokenward.outcome': 'accepted', 'tokenward.issuer': scene.issuer.issuer });
    expect([await count(one), await count(two)]).toEqual([1, 1]);

    stopOne();
    await two.decide({});
    expect(await count(two)).toBe(2);
    expect(await value('tokenward.token_cache.misses', { 'tokenward.guard': 'two' })).toBe(2);
    stopTwo();
    await two.decide({});
    expect(await count(two)).toBe(2);
  });

  test('reject a guard or a name that is instrumented, and change nothing', async () => {
    const { guard, issuer, decide } = await createScene();
    const { provider, value } = createMetrics();
    onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: provider }));
    expect(problemsOf({ guards: { again: guard }, meterProvider: provider })).toEqual([
      'guards.again: is already instrumented as "api": end that instrumentation first, by calling the function that it returned',
    ]);
    expect(problemsOf({ guards: { api: { health } }, meterProvider: provider })).toEqual([
      'guards.api: is the name of a guard that is already instrumented: use another name',
    ]);
    await decide({});
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted', 'tokenward.issuer': issuer.issuer })).toBe(1);
  });

  test('count separately with two meter providers', async () => {
    const { guard, decide } = await createScene();
    const [one, two] = [createMetrics(), createMetrics()];
    for (const { provider } of [one, two]) onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: provider }));
    await decide({});
    for (const { value } of [one, two]) expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(1);
  });
});

describe('stop()', () => {
  test('ends counting and reading of guards, and may be called twice', async () => {
    const { guard, decide } = await createScene();
    const health = vi.fn(guard.health);
    const { provider, value, all } = createMetrics();
    const stop = instrumentTokenward({ guards: { api: { health } }, meterProvider: provider });
    await decide({});
    await all();
    stop();
    stop();
    health.mockClear();
    await decide({});
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(1);
    expect(health).not.toHaveBeenCalled();
  });

  test('does not end another instrumentation when it is called twice', async () => {
    const [one, two] = [await createScene(), await createScene()];
    const { provider, value } = createMetrics();
    const stop = instrumentTokenward({ guards: { one: one.guard }, meterProvider: provider });
    onTestFinished(instrumentTokenward({ guards: { two: two.guard }, meterProvider: provider }));
    stop();
    stop();
    await two.decide({});
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted', 'tokenward.issuer': two.issuer.issuer })).toBe(1);
  });

  test('allows another instrumentation, which goes on counting', async () => {
    const { guard, decide } = await createScene();
    const { provider, value } = createMetrics();
    instrumentTokenward({ guards: { api: guard }, meterProvider: provider })();
    onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: provider }));
    await decide({});
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(1);
    expect(await value('tokenward.guard.ready')).toBe(1);
  });
});

describe('rule 144: failures', () => {
  test('an instrument that throws changes no decision, and is reported without its text', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue();
    onTestFinished(() => warn.mockRestore());
    const { guard, decide } = await createScene();
    const { provider } = createMetrics();
    let isBroken = false;
    const fail = (): void => {
      if (isBroken) throw new Error('planted-text');
    };
    const broken: MeterProvider = {
      getMeter(name) {
        const meter = provider.getMeter(name);
        return Object.assign(Object.create(meter) as typeof meter, { createCounter: () => ({ add: fail }), createHistogram: () => ({ record: fail }) });
      },
    };
    onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: broken }));
    isBroken = true;
    expect(await decide({})).toMatchObject({ outcome: 'allow' });
    expect(await decide({ lifetimeSeconds: -100 })).toMatchObject({ outcome: 'deny', status: 401, reason: 'expired' });
    expect(warn.mock.calls.length).toBeGreaterThan(0);
    expect(JSON.stringify(warn.mock.calls)).not.toContain('planted-text');
  });

  test('an error of the meter provider reaches the caller, and leaves nothing registered', async () => {
    const { guard, decide } = await createScene();
    const { provider, value } = createMetrics();
    const errors = ['no meters', 'no callbacks'];
    const failing: MeterProvider = {
      getMeter(name) {
        if (errors[0] === 'no meters') throw new Error(errors.shift());
        const meter = provider.getMeter(name);
        return Object.assign(Object.create(meter) as typeof meter, {
          addBatchObservableCallback(...given: Parameters<typeof meter.addBatchObservableCallback>) {
            if (errors.length > 0) throw new Error(errors.shift());
            meter.addBatchObservableCallback(...given);
          },
        });
      },
    };
    const instrument = () => instrumentTokenward({ guards: { api: guard }, meterProvider: failing });
    expect(instrument).toThrow('no meters');
    expect(instrument).toThrow('no callbacks');
    await decide({});
    onTestFinished(instrument());
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(0);
    await decide({});
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(1);
  });

  test('a guard whose health() throws hides no other guard, and its text is not logged', async () => {
    const logged: string[] = [];
    const log = (...words: unknown[]): void => void logged.push(words.join(' '));
    diag.setLogger({ error: log, warn: log, info: log, debug: log, verbose: log }, DiagLogLevel.WARN);
    onTestFinished(() => diag.disable());
    let isBroken = false;
    const bad = {
      health() {
        if (isBroken) throw new Error('planted-text');
        return health();
      },
    };
    const { provider, value } = createMetrics();
    onTestFinished(instrumentTokenward({ guards: { bad, good: { health } }, meterProvider: provider }));
    isBroken = true;
    publish('tokenward:accepted', { issuer: 'https://a.example.test', anonymous: false, durationSeconds: 0.001 });
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(1);
    expect(await value('tokenward.guard.ready', { 'tokenward.guard': 'good' })).toBe(1);
    expect(logged).toContain('tokenward: health() of guard "bad" threw, so its gauges are missing');
    expect(logged.join('\n')).not.toContain('planted-text');
  });
});
