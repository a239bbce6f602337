import { execFileSync } from 'node:child_process';
import { chromium, type Browser } from 'playwright-core';

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
