import { createRevocationMirror } from '@tokenward/core/store';
import { expect, test } from 'vitest';
import type { Connection, Reply } from './connection.js';
import { BEGIN_FULL_READ, keysOf, SCAN_CUTOFFS, SCAN_RECORDS } from './data-set.js';
import { readEverything } from './full-read.js';
import { textOf } from './record-text.js';
import { createSharedMirror } from './shared-mirror.js';
import { LOOK } from './stream-scripts.js';

const NOW = 1_900_000_000;
const EPOCH = '1700000000.00000000-0000-4000-8000-000000000000';

/** A server that returns all texts in pages of 1000. */
function serverWith(texts: readonly string[]): Connection {
  return {
    isOver: false,
    async send([, script, , , , , , , cursor]): Promise<Reply> {
      if (script === BEGIN_FULL_READ) return 1;
      if (script === LOOK) return [EPOCH, '0-0', 0, [], NOW, 0, 1000, 0, 0, 0];
      if (script === SCAN_CUTOFFS) return ['0', []];
      expect(script).toBe(SCAN_RECORDS);
      const next = Number(cursor) + 1000;
      return [next < texts.length ? String(next) : '0', texts.slice(Number(cursor), next).flatMap((text) => [text, '1'])];
    },
    blame() {},
    onOver() {},
    close() {},
  };
}

test('rule 171: a full read keeps a limited number of texts of records that the process does not keep', async () => {
  const texts = Array.from({ length: 60_000 }, (_value, at) =>
    textOf({
      kind: 'session',
      issuer: 'https://login.example.test',
      value: `s-${at}`,
      issuedUntil: NOW + at,
      until: NOW + 100_000,
      isFinal: false,
      reason: 'logout',
    }),
  );
  const mirror = createRevocationMirror({ maxEntries: 2000 });
  const shared = createSharedMirror(
    mirror,
    () => NOW,
    () => {},
    () => {},
  );
  const found = await readEverything(serverWith([EPOCH, ...texts]), keysOf('test'), shared, 'id', { allSeconds: 0, recentSeconds: 5 });
  expect(found!.present.size).toBeLessThan(16_000);
  const missing: string[] = [];
  for await (const portion of shared.missing(found!.present, found!.cutoffs, false)) missing.push(...portion.keys());
  const inRedis = new Set(texts);
  expect(missing.filter((text) => inRedis.has(text))).toEqual([]);
});
