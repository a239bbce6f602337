import type { TestClock, TestIssuer } from '@tokenward/testing';

const NOON = Date.UTC(2026, 10, 28, 12);

/** Runs something, and returns what this process printed on stderr while it ran. */
export async function printedDuring(run: (lines: string[]) => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const write = process.stderr.write.bind(process.stderr);
  const hints = process.env['TOKENWARD_HINTS'];
  process.env['TOKENWARD_HINTS'] = '1';
  process.stderr.write = ((text: string) => lines.push(text)) as never;
  try {
    await run(lines);
  } finally {
    process.stderr.write = write;
    process.env['TOKENWARD_HINTS'] = hints;
  }
  return lines;
}

/** Returns lines as the documentation shows them: with the issuer's address written as `https://login.example.com`, and each date relative to one noon. */
export function asInTheDocs(lines: readonly string[], issuer: TestIssuer, clock: TestClock): string[] {
  const { kid } = (issuer.jwks.keys[0] ?? {}) as { kid?: string };
  return (
    lines
      .flatMap((text) => text.split('\n'))
      .map((line) => line.trimEnd())
      // drop process warnings, which repeat the line of the refusal
      .filter((line) => line !== '' && !/^\(Use `node|^\(node:/.test(line))
      .map((line) =>
        line
          .replaceAll(issuer.issuer, 'https://login.example.com')
          .replaceAll(new URL(issuer.issuer).host, 'login.example.com')
          .replaceAll('https://api.example.test', 'https://api.example.com')
          .replaceAll(kid ?? '\0', 'key-1')
          .replace(/ \[printed once .*\]$/, '')
          .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (text) => new Date(Date.parse(text) - clock.now() + NOON).toISOString().replace('.000Z', 'Z')),
      )
  );
}
