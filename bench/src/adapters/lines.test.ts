import { expect, test } from 'vitest';
import { FRAMEWORKS } from '../framework.ts';
import { countAdapterLines, countLines } from './lines.ts';

test('counts lines of code, including braces and types', () => {
  expect(countLines("import a from 'a';\n\nexport function f(): void {\n  a();\n}\n")).toBe(4);
});

test('does not count empty lines or lines with only a comment', () => {
  expect(countLines('// why\n\n   \n  // why\n')).toBe(0);
  expect(countLines('/** One line. */\n/**\n * Several lines,\n * one of them {\n */\n')).toBe(0);
});

test('counts code before and after a comment', () => {
  expect(countLines('a(); // why\nb(); /* why */\n/* why */ c();\n/*\n*/ d();')).toBe(4);
});

test('does not mistake a string for a comment', () => {
  expect(countLines("const pattern = '/*';\nconst url = 'https://example.com';\na();\n")).toBe(3);
});

test.each(FRAMEWORKS.filter((name) => !name.startsWith('nestjs')))('counts between 21 and 579 lines for the %s adapter', (framework) => {
  const { files, lines } = countAdapterLines(framework);
  expect(files).toBeGreaterThan(0);
  expect(lines).toBeGreaterThan(20);
  expect(lines).toBeLessThan(580);
});
