import { STATUS_CODES } from 'node:http';
import type { Screen } from './screen.ts';
import { withoutSecrets, shortened, shortenedCredentials } from './shortened.ts';

/** The demo's HTTP client. It prints requests and answers, follows no redirect by itself, and has a time-out. */
export interface Wire {
  readonly send: typeof fetch;
  /** Runs a function without printing its requests. */
  quietly<T>(run: () => Promise<T>): Promise<T>;
}

const TIMEOUT_SECONDS = 5;
const MAX_BODY_LINES = 12;
const MAX_LINE_LENGTH = 100;
const SHOWN_HEADERS = ['location', 'www-authenticate', 'retry-after'];

/** @param names the server's name for each origin */
export function createWire(screen: Screen, names: Readonly<Record<string, string>>): Wire {
  let isPrinting = true;

  async function sendAndPrint(request: Request): Promise<Response> {
    const url = new URL(request.url);
    screen.request(`${request.method} ${url.pathname} HTTP/1.1   (${names[url.origin] ?? url.origin})`, [
      ...pairs(url.searchParams),
      ...sentHeaders(request.headers),
      ...bodyLines(await request.clone().text(), request.headers.get('content-type')),
    ]);
    const response = await fetch(request);
    const { status, headers } = response;
    screen.response(status, `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, [
      ...receivedHeaders(headers),
      ...bodyLines(await response.clone().text(), headers.get('content-type')),
    ]);
    return response;
  }

  return {
    send(input, init) {
      const request = new Request(input, { ...init, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000) });
      return isPrinting ? sendAndPrint(request) : fetch(request);
    },
    async quietly(run) {
      isPrinting = false;
      try {
        return await run();
      } finally {
        isPrinting = true;
      }
    },
  };
}

function sentHeaders(headers: Headers): string[] {
  const lines = [];
  const authorization = headers.get('authorization');
  if (authorization) lines.push(`authorization: ${shortenedCredentials(authorization)}`);
  const csrf = headers.get('x-tokenward-csrf');
  if (csrf) lines.push(`x-tokenward-csrf: ${csrf}`);
  const cookie = headers.get('cookie');
  if (cookie) lines.push(`cookie: ${cookie.split('; ').map(cookieName).join(', ')}`);
  return lines;
}

function receivedHeaders(headers: Headers): string[] {
  const lines = [];
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) lines.push(`set-cookie: ${[...new Set(cookies.map(cookieName))].join(', ')}`);
  for (const name of SHOWN_HEADERS) {
    const value = headers.get(name);
    if (value === null) continue;
    const [location, query] = name === 'location' ? value.split('?') : [value];
    lines.push(`${name}: ${location}${query ? '?' : ''}`, ...pairs(new URLSearchParams(query)));
  }
  return lines;
}

/** Returns a cookie's name. Its value works like a password, so it is not printed. */
function cookieName(cookie: string): string {
  return cookie.split('=')[0]!;
}

function bodyLines(text: string, type: string | null): string[] {
  if (text === '' || type === null) return [];
  if (type.includes('json')) return jsonLines(withoutSecrets(JSON.parse(text)));
  if (type.includes('urlencoded')) return pairs(new URLSearchParams(text));
  const title = /<title>(.*?)<\/title>/.exec(text)?.[1];
  return title ? [`(a page: “${title}”)`] : [];
}

function jsonLines(document: unknown): string[] {
  const short = JSON.stringify(document);
  if (short.length <= MAX_LINE_LENGTH) return [short];
  const lines = JSON.stringify(document, null, 2).split('\n');
  return lines.length <= MAX_BODY_LINES ? lines : [...lines.slice(0, MAX_BODY_LINES), `... ${lines.length - MAX_BODY_LINES} more lines`];
}

function pairs(parameters: URLSearchParams): string[] {
  return [...parameters].map(([name, value]) => `  ${name} = ${shortened(name, value)}`);
}
