import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserSessionOptions } from '@tokenward/browser-session';
import type { StoredSession } from '@tokenward/core/store';

/** The origin of the app. Servers listen on another address, and never read it from a request. */
export const APP_ORIGIN = 'https://app.example.com';
export const CLIENT_ID = 'web-shop';

/** What a server gets as a file: the sessions that exist already, so that nobody has to log in. */
export interface ServerSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly stored: readonly StoredSession[];
  /** Where the API behind the proxy listens. */
  readonly apiOrigin?: string | undefined;
}

export function sessionOptions(issuer: string): BrowserSessionOptions {
  return {
    issuer,
    clientId: CLIENT_ID,
    clientSecret: 'a client secret of the bench',
    origin: APP_ORIGIN,
    secrets: ['a secret of the bench with 32 characters and more'],
  };
}

/** Writes settings to a file that only this user can read, runs `use` with its path, and removes it. */
export async function withSettingsFile<T>(settings: ServerSettings, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenward-bench-'));
  try {
    const path = join(folder, 'settings.json');
    await writeFile(path, JSON.stringify(settings));
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export function readSettings(path: string): ServerSettings {
  return JSON.parse(readFileSync(path, 'utf8')) as ServerSettings;
}
