import { diag, DiagLogLevel, metrics as globalMetrics, type MeterProvider } from '@opentelemetry/api';
import { ConfigurationError } from '@tokenward/core';
import { instrumentTokenward, type InstrumentationOptions } from '@tokenward/opentelemetry';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createMetrics, createScene, tell } from './scene.js';

const health = () => ({
  ready: true,
  issuers: [],
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
  test('all that is wrong is told at once', () => {
    const problems = problemsOf({ guards: { api: {}, 'a b': { health } }, meterProvider: {}, tracing: 'yes', meter: 1 });
    expect(problems).toEqual([
      'meter: is not an option; these are: guards, meterProvider, tracing',
      'guards.api: has no health(): a guard is needed',
      'guards: has a name that can be no label: letters, digits, _, . and - are, 64 at the most',
      'meterProvider: has no getMeter(): a MeterProvider is needed',
      'tracing: is a string of 3 characters: true or false is needed',
    ]);
  });

  test.each<[string, unknown]>([
    ['none', undefined],
    ['an empty object', {}],
    ['a list', [{ health }]],
    ['one guard by itself', null],
  ])('guards that are %s', (_name, guards) => {
    expect(problemsOf({ guards })).toEqual(['guards: holds no guard: an object is needed with one guard at least, such as { api: guard }']);
  });

  test.each([undefined, null, 'guards', [], new Date()])('options that are %s', (options) => {
    expect(problemsOf(options)).toHaveLength(1);
  });

  test('null is no guard and no meter provider', () => {
    expect(problemsOf({ guards: { api: null }, meterProvider: null })).toEqual([
      'guards.api: has no health(): a guard is needed',
      'meterProvider: has no getMeter(): a MeterProvider is needed',
    ]);
  });

  test('one guard under two names', () => {
    const guard = { health };
    expect(problemsOf({ guards: { one: guard, two: guard } })).toEqual(['guards.two: is the guard that guards.one is']);
  });

  test('without a meter provider it is the global one, and where there is none that is told', async () => {
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
  test('two guards of one meter provider: each request counts once', async () => {
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

  test('the same guard, or the same name, again is told, and nothing changes', async () => {
    const { guard, issuer, decide } = await createScene();
    const { provider, value } = createMetrics();
    onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: provider }));
    expect(problemsOf({ guards: { again: guard }, meterProvider: provider })).toEqual([
      'guards.again: is instrumented already, as "api": end that first, by what it returned',
    ]);
    expect(problemsOf({ guards: { api: { health } }, meterProvider: provider })).toEqual([
      'guards.api: is the name of a guard that is instrumented already: give it another',
    ]);
    await decide({});
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted', 'tokenward.issuer': issuer.issuer })).toBe(1);
  });

  test('two meter providers count each for itself', async () => {
    const { guard, decide } = await createScene();
    const [one, two] = [createMetrics(), createMetrics()];
    for (const { provider } of [one, two]) onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: provider }));
    await decide({});
    for (const { value } of [one, two]) expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(1);
  });
});

describe('its end', () => {
  test('nothing is counted, and no guard is asked, any more; twice is once', async () => {
    const { guard, decide } = await createScene();
    const asked = vi.fn(guard.health);
    const { provider, value, all } = createMetrics();
    const stop = instrumentTokenward({ guards: { api: { health: asked } }, meterProvider: provider });
    await decide({});
    await all();
    stop();
    stop();
    asked.mockClear();
    await decide({});
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(1);
    expect(asked).not.toHaveBeenCalled();
  });

  test('ending one twice ends no other', async () => {
    const [one, two] = [await createScene(), await createScene()];
    const { provider, value } = createMetrics();
    const stop = instrumentTokenward({ guards: { one: one.guard }, meterProvider: provider });
    onTestFinished(instrumentTokenward({ guards: { two: two.guard }, meterProvider: provider }));
    stop();
    stop();
    await two.decide({});
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted', 'tokenward.issuer': two.issuer.issuer })).toBe(1);
  });

  test('it can begin again, and counts on', async () => {
    const { guard, decide } = await createScene();
    const { provider, value } = createMetrics();
    instrumentTokenward({ guards: { api: guard }, meterProvider: provider })();
    onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: provider }));
    await decide({});
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(1);
    expect(await value('tokenward.guard.ready')).toBe(1);
  });
});

describe('rule 144: what fails', () => {
  test('instruments that throw change no decision, and are told without their text', async () => {
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

  test('a meter provider that throws is told to whoever instruments, and leaves nothing behind', async () => {
    const { guard, decide } = await createScene();
    const { provider, value } = createMetrics();
    const faults = ['no meters', 'no callbacks'];
    const failing: MeterProvider = {
      getMeter(name) {
        if (faults[0] === 'no meters') throw new Error(faults.shift());
        const meter = provider.getMeter(name);
        return Object.assign(Object.create(meter) as typeof meter, {
          addBatchObservableCallback(...given: Parameters<typeof meter.addBatchObservableCallback>) {
            if (faults.length > 0) throw new Error(faults.shift());
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

  test('a guard whose health throws hides no other, and its text is not told', async () => {
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
    tell('tokenward:accepted', { issuer: 'https://a.example.test', anonymous: false, durationSeconds: 0.001 });
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(1);
    expect(await value('tokenward.guard.ready', { 'tokenward.guard': 'good' })).toBe(1);
    expect(logged).toContain('tokenward: the health of guard "bad" can\'t be told');
    expect(logged.join('\n')).not.toContain('planted-text');
  });
});
