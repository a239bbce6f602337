import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { watchFile } from './watched-file.js';

test('rule 61: repeats every minute that a file cannot be read, so that an alert lasts as long as the outage', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const folder = mkdtempSync(join(tmpdir(), 'watched-'));
  const path = join(folder, 'keys');
  writeFileSync(path, 'good');
  const changes: (string | undefined)[] = [];
  const parse = (text: string): string => {
    if (text === 'bad') throw new Error('it is bad');
    return text;
  };
  const file = watchFile(path, parse, (error) => void changes.push(error?.message));
  onTestFinished(() => {
    file.close();
    rmSync(folder, { recursive: true });
  });
  vi.advanceTimersByTime(60_000);
  expect(changes).toEqual([]);
  writeFileSync(path, 'bad');
  vi.advanceTimersByTime(180_000);
  expect(changes).toEqual(Array.from({ length: 3 }, () => `${path}: it is bad`));
  expect(file.current()).toBe('good');
  writeFileSync(path, 'better');
  vi.advanceTimersByTime(180_000);
  expect([changes.length, changes.at(-1), file.current()]).toEqual([4, undefined, 'better']);
});
