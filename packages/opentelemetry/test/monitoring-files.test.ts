import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { instrumentTokenward } from '@tokenward/opentelemetry';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createScene, publish } from './scene.js';

/** The names of series, and their labels, as a Prometheus server reads them. */
type Scrape = ReadonlyMap<string, ReadonlySet<string>>;

/** Scrapes, over HTTP, a process in which every kind of event has happened. */
async function scrape(): Promise<Scrape> {
  const {
    issuer: { issuer },
    guard,
    decide,
  } = await createScene({
    shadow: { allowedClients: ['client-2'] },
    introspection: { endpoint: 'http://127.0.0.1:1/introspect', clientId: 'api', clientSecret: 'secret' },
    decryptionKeys: { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }) },
  });
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await provider.shutdown();
    server.close();
  });
  onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: provider }));

  await decide({});
  await decide(undefined, { credentials: 'optional' });
  await decide({ lifetimeSeconds: -100 });
  await guard.revocations.revoke({ subject: 'user-1' }, { reason: 'logout' });
  await decide({});
  publish('tokenward:security-event', { issuer, channel: 'shared_signals', outcome: 'done', cause: undefined });
  publish('tokenward:session', { issuer, action: 'end', outcome: 'done', reason: 'logout' });
  publish('tokenward:introspected', { issuer, outcome: 'active', durationSeconds: 0.01, message: undefined });
  publish('tokenward:clock-skew', { issuer, skewSeconds: 7 });
  publish('tokenward:revocations-synced', { entries: 3 });

  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
  expect(response.status).toBe(200);
  return parse(await response.text());
}

const SERIES = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*)\})? (?:[-+]?[\d.]+(?:e[-+]?\d+)?|[-+]Inf|NaN)$/;

/** Parses the text format strictly: an unexpected line throws. */
function parse(text: string): Scrape {
  const series = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labels = ''] = SERIES.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a series: ${line}`);
    const names = series.get(name) ?? new Set();
    for (const [, label] of labels.matchAll(/([a-zA-Z_]\w*)="/g)) names.add(label!);
    series.set(name, names);
  }
  return series;
}

/** The labels that a Prometheus server adds to each series of a target. */
const TARGET_LABELS = ['job', 'instance'];

const LABEL_LISTS = /\b(?:by|on) \(([^)]*)\)/g;

/** Returns the metrics and labels in an expression that the scrape does not have. */
function missing(expression: string, series: Scrape): string[] {
  const code = expression.replace(/"[^"]*"/g, '""');
  const lists = [...code.matchAll(LABEL_LISTS)].flatMap(([, list]) => list!.split(', '));
  const matchers = [...code.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!);
  const names = [
    ...code
      .replace(LABEL_LISTS, '')
      .replace(/\{[^}]*\}/g, '')
      .matchAll(/\btokenward_\w+/g),
  ].map(([name]) => name);
  if (names.length === 0) return ['any metric'];
  const known = new Set([...TARGET_LABELS, ...names.flatMap((name) => [...(series.get(name) ?? [])])]);
  return [...names.filter((name) => !series.has(name)), ...[...lists, ...matchers].filter((label) => !known.has(label))];
}

function read(name: string): string {
  return readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

interface Dashboard {
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[] };
  readonly panels: readonly Panel[];
}

describe('the reader of expressions', () => {
  const series: Scrape = new Map([
    ['tokenward_a_total', new Set(['tokenward_x'])],
    ['tokenward_b', new Set()],
  ]);
  test.each<[string, string[]]>([
    ['sum by (job, tokenward_x) (rate(tokenward_a_total{job=~"$job"}[5m]))', []],
    ['tokenward_b', []],
    ['rate(tokenward_gone_total[5m])', ['tokenward_gone_total']],
    ['tokenward_a_total / tokenward_gone', ['tokenward_gone']],
    ['sum by (tokenward_y) (tokenward_b)', ['tokenward_y']],
    ['tokenward_b{tokenward_x="1"}', ['tokenward_x']],
    ['tokenward_a_total{job="1", other!~"x"} > 0', ['other']],
    ['vector(1)', ['any metric']],
  ])('%s', (expression, expected) => expect(missing(expression, series)).toEqual(expected));
});

/** Returns the names of metrics. The series of a histogram count as one. */
function metricsOf(series: Scrape): string[] {
  const names = [...series.keys()].filter((name) => name.startsWith('tokenward_')).map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));
  return [...new Set(names)].sort();
}

test("the README's table lists all metrics with their labels", async () => {
  const series = await scrape();
  const rows = [...read('packages/opentelemetry/README.md').matchAll(/^\| `(tokenward\.[\w.]+)` +\| (\w+), [^|]+ \|([^|]*)\|/gm)];
  const printed = rows.map(([, name, kind]) => `${name!.replaceAll('.', '_')}${kind === 'counter' ? '_total' : ''}`);
  expect(printed.sort()).toEqual(metricsOf(series));
  for (const [, name, kind, list] of rows) {
    const documented = [...list!.matchAll(/`([\w.]+)`/g)].map(([, label]) => label!.replaceAll('.', '_'));
    const scraped = series.get(`${name!.replaceAll('.', '_')}${kind === 'counter' ? '_total' : kind === 'histogram' ? '_count' : ''}`)!;
    expect([name, documented.sort()]).toEqual([name, [...scraped].filter((label) => label !== 'otel_scope_name').sort()]);
  }
});

test('the dashboard uses only series of a real scrape, and all metrics', async () => {
  const series = await scrape();
  const { panels, templating, schemaVersion } = JSON.parse(read('docs/public/monitoring/grafana-dashboard.json')) as Dashboard;
  expect(schemaVersion).toBeGreaterThanOrEqual(39);
  expect(templating.list.map(({ name, type }) => [name, type])).toEqual([
    ['datasource', 'datasource'],
    ['job', 'query'],
    ['issuer', 'query'],
  ]);
  const shown = panels.filter(({ type }) => type !== 'row');
  expect(shown.length).toBeGreaterThan(15);
  for (const { title, datasource, targets = [] } of shown) {
    expect([title, datasource?.uid]).toEqual([title, '${datasource}']);
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr, datasource } of targets) expect([title, datasource.uid, missing(expr, series)]).toEqual([title, '${datasource}', []]);
  }
  const queries = shown.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n');
  expect(metricsOf(series).filter((name) => !queries.includes(name))).toEqual([]);
  for (const { definition } of templating.list.slice(1)) expect(missing(definition!.replace(/^label_values\((.*), \w+\)$/, '$1'), series)).toEqual([]);
});

test('the panels of the dashboard have unique ids and do not overlap', () => {
  const { panels } = JSON.parse(read('docs/public/monitoring/grafana-dashboard.json')) as Dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect([title, taken.get(`${x} ${y}`)]).toEqual([title, undefined]);
        taken.set(`${x} ${y}`, title);
      }
    }
  }
});

/** The text of each alert, which begins with its name. */
const alerts = (): string[] =>
  read('docs/public/monitoring/prometheus-alerts.yaml')
    .split(/^ {6}- alert: /m)
    .slice(1);

const RUNBOOK = 'docs/src/content/docs/operations/alerts.md';

test('the alerts use only series of a real scrape, and each has a severity and a summary', async () => {
  const series = await scrape();
  const rules = alerts();
  expect(rules.length).toBeGreaterThan(12);
  for (const rule of rules) {
    const [name] = rule.split('\n', 1);
    const expression = /^ {8}expr: ([^|>'"\n].*)$/m.exec(rule)?.[1];
    expect([name, missing(expression!, series)]).toEqual([name, []]);
    expect([name, /^ {10}severity: (?:info|warning|critical)$/m.test(rule), /^ {10}summary: '.+'$/m.test(rule)]).toEqual([name, true, true]);
    // in YAML, " #" ends a plain scalar and ": " turns it into a mapping
    expect(expression).not.toMatch(/ #|: /);
  }
});

test('the runbook has a heading for each alert, with causes and what to do, and the alert links to it', () => {
  const sections = read(RUNBOOK)
    .split(/^### /m)
    .slice(1)
    .map((section) => section.split(/^## /m, 1)[0]!);
  const names = alerts().map((rule) => rule.split('\n', 1)[0]!);
  expect(sections.map((section) => section.split('\n', 1)[0])).toEqual(names);
  for (const section of sections) expect(section).toMatch(/\n\n\*\*Likely causes[:,]\*\* [^]*\n\n\*\*What to do:\*\* /);
  const links = alerts().map((rule) => /^ {10}runbook_url: (\S+)$/m.exec(rule)?.[1]);
  expect(links).toEqual(names.map((name) => `https://tokenward.github.io/tokenward/operations/alerts/#${name.toLowerCase()}`));
});

test('the runbook names and asks for only what a real scrape has', async () => {
  const series = await scrape();
  const page = read(RUNBOOK);
  const known = new Set([...metricsOf(series), ...[...series.values()].flatMap((labels) => [...labels])]);
  const named = [...page.matchAll(/`(tokenward_\w+)`/g)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  const queries = [...page.matchAll(/```text\n *(.*)\n *```/g)].map(([, query]) => query!);
  expect(queries.length).toBeGreaterThan(2);
  for (const query of queries) expect([query, missing(query, series)]).toEqual([query, []]);
});

test('the reasons in the dashboard and the alerts exist, and the dashboard has every reason of bound tokens and of outages', () => {
  const pages = readdirSync(new URL('../../../docs/src/content/docs/reasons/', import.meta.url));
  const known = new Set(pages.map((page) => page.replace('.md', '').replaceAll('-', '_')));
  const reasonsIn = (text: string): string[] =>
    [...text.matchAll(/error_type=~?\\?"([\w|]+)\\?"/g)].flatMap(([, reasons]) => reasons!.split('|')).filter((reason, at, all) => all.indexOf(reason) === at);
  const dashboard = reasonsIn(read('docs/public/monitoring/grafana-dashboard.json'));
  for (const reasons of [dashboard, reasonsIn(read('docs/public/monitoring/prometheus-alerts.yaml'))]) {
    expect(reasons.length).toBeGreaterThan(4);
    expect(reasons.filter((reason) => !known.has(reason))).toEqual([]);
  }
  const expected = [...known].filter((reason) =>
    /(?:_unavailable|_proof|_certificate|_token_as_bearer)$|^(?:nonce_required|unbound_token|unproven_confirmation)$/.test(reason),
  );
  expect(dashboard.toSorted()).toEqual(expect.arrayContaining(expected));
});
