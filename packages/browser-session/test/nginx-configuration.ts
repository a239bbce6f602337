import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const GUIDE = new URL('../../../docs/src/content/docs/guides/browser-sessions.md', import.meta.url);
const CERTIFICATES = fileURLToPath(new URL('../../core/test/self-signed', import.meta.url));

export interface NginxPorts {
  readonly https: number;
  readonly http: number;
  readonly app: number;
}

/** Returns the configuration of the guide, with the names, ports and files of a test. Nothing else is changed. */
export function guideConfiguration({ https, http, app }: NginxPorts): string {
  const [, printed] = /```nginx\n([^]*?)```/.exec(readFileSync(GUIDE, 'utf8'))!;
  return replaceAll(printed!, [
    ['listen 443 ssl;', `listen 127.0.0.1:${https} ssl;`],
    ['listen 80;', `listen 127.0.0.1:${http};`],
    ['http://127.0.0.1:3000;', `http://127.0.0.1:${app};`],
    ['https://app.example.com$request_uri', `https://localhost:${https}$request_uri`],
    ['/etc/ssl/app.example.com', CERTIFICATES],
    ['server_name app.example.com;', 'server_name localhost;'],
  ]);
}

function replaceAll(text: string, pairs: readonly (readonly [string, string])[]): string {
  for (const [from, to] of pairs) {
    if (!text.includes(from)) throw new Error(`the nginx configuration of the guide has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}
