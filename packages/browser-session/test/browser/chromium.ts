import { execFileSync } from 'node:child_process';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

/**
 * Starts the Chromium that is on the PATH. Its own sandbox needs rights that containers lack; the pages are our own.
 *
 * @param args more arguments of Chromium
 * @param options `keepsPages`: the back button shows pages from memory, as it does for people
 */
export function startChromium(args: readonly string[] = [], { keepsPages = false }: { readonly keepsPages?: boolean } = {}): Promise<Browser> {
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  const ignoreDefaultArgs = keepsPages ? ['--disable-back-forward-cache'] : [];
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...args], ignoreDefaultArgs });
}

/** Starts Chromium for the tests of a file, and ends it after them. */
export function useChromium(): { newContext(options?: BrowserContextOptions): Promise<BrowserContext> } {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  }, 60_000);
  afterAll(() => browser.close());
  return { newContext: async (options) => browser.newContext(options) };
}
