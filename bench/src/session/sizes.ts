import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { createBrowserSession } from '@tokenward/browser-session';
import { memorySessions } from '@tokenward/core';
import type { TestSessionTokens } from '@tokenward/core/store';
import type { TestIssuer } from '@tokenward/testing';
import { cookieOf, issueTokens } from './pool.ts';
import { sessionOptions } from './settings.ts';

export interface SizesResult {
  readonly cookies: readonly CookieSize[];
  /** The page's part, bundled and minified. */
  readonly page: { readonly bytes: number; readonly gzippedBytes: number };
}

export interface CookieSize {
  readonly name: string;
  /** Names and values, as the browser sends them. */
  readonly bytes: number;
  readonly count: number;
}

/** Measures what a session adds to each request of the browser, and what the page loads. */
export async function measureSizes(issuer: TestIssuer): Promise<SizesResult> {
  const tokens = await issueTokens(issuer);
  const sealed = createBrowserSession(sessionOptions(issuer.issuer));
  const stored = createBrowserSession({ ...sessionOptions(issuer.issuer), store: memorySessions() });
  try {
    const sizeOf = async (name: string, session: typeof sealed, kept: TestSessionTokens): Promise<CookieSize> => {
      const cookie = await cookieOf(session, kept);
      return { name, bytes: cookie.length, count: cookie.split('; ').length };
    };
    const { accessToken, idToken } = tokens;
    return {
      cookies: [
        await sizeOf(`encrypted: access token of ${accessToken.length} bytes, ID token of ${idToken!.length}`, sealed, tokens),
        await sizeOf('encrypted: the same without an ID token', sealed, { ...tokens, idToken: undefined }),
        await sizeOf('in a store', stored, tokens),
      ],
      page: await pageSize(),
    };
  } finally {
    await Promise.all([sealed.close(), stored.close()]);
  }
}

async function pageSize(): Promise<SizesResult['page']> {
  const entry = fileURLToPath(import.meta.resolve('@tokenward/browser-session/client'));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, minify: true, format: 'esm', write: false });
  const { contents } = outputFiles[0]!;
  return { bytes: contents.length, gzippedBytes: gzipSync(contents, { level: 9 }).length };
}
