import { describe, expect, test } from 'vitest';
import { didYouMean } from './did-you-mean.js';
import { OptionReader } from './option-reader.js';

test('rule 139: collects all problems, each with the path of its option', () => {
  const reader = new OptionReader({ name: '', colour: 1, inner: { seconds: 'ten', nam: 1, deeper: { name: 1 } } }, ['name', 'inner']);
  reader.text('name', 'x');
  const inner = reader.inner('inner', ['seconds', 'deeper']);
  inner.number('seconds', 5, { least: 0, most: 60 });
  inner.inner('deeper', ['name']).text('name', 'x');
  expect(reader.problems).toEqual([
    { path: 'colour', message: 'is not an option (options: name, inner)' },
    { path: 'name', message: 'must be a non-empty string (got "")' },
    { path: 'inner.nam', message: 'is not an option (options: seconds, deeper)' },
    { path: 'inner.seconds', message: 'must be a number from 0 to 60 (got a string of 3 characters)' },
    { path: 'inner.deeper.name', message: 'must be a non-empty string (got a number)' },
  ]);
});

describe('rule 45: checks numbers', () => {
  test.each<[unknown]>([[NaN], [Infinity], [-Infinity], [-1], [301], ['60'], [''], [null], [true], [[60]], [{}], [60n], [new Date()]])(
    'refuses %s',
    (value) => {
      const reader = readerOf(value);
      expect(reader.number('option', 30, { least: 0, most: 300 })).toBe(30);
      expect(reader.problems).toHaveLength(1);
      expect(reader.problems[0]).toMatchObject({ path: 'option', message: expect.stringContaining('must be a number from 0 to 300') as string });
    },
  );

  test.each([0, 0.5, 30, 300])('accepts %d', (value) => {
    expect(readerOf(value).number('option', 1, { least: 0, most: 300 })).toBe(value);
  });

  test('refuses a fraction for an option that needs a whole number', () => {
    const reader = readerOf(1.5);
    expect(reader.optionalNumber('option', { least: 1, most: 10, whole: true })).toBeUndefined();
    expect(reader.problems[0]!.message).toBe('must be a whole number from 1 to 10 (got 1.5)');
    expect(readerOf(2).optionalNumber('option', { least: 1, most: 10, whole: true })).toBe(2);
  });

  test('returns the default for undefined', () => {
    expect(readerOf(undefined).number('option', 30, { least: 0, most: 300 })).toBe(30);
    expect(readerOf(undefined).optionalNumber('option', { least: 0, most: 300 })).toBeUndefined();
  });
});

test('refuses empty strings and empty lists, and copies lists', () => {
  expect(readerOf('a').text('option', 'x')).toBe('a');
  expect(readerOf(undefined).text('option', 'x')).toBe('x');
  for (const value of ['', 1, null, ['a'], {}, false]) expectRefused(value, (reader) => reader.text('option', 'x'), 'x', 'must be a non-empty string');

  const given = ['a', 'b'];
  const read = readerOf(given).texts('option');
  expect(read).toEqual(given);
  expect(read).not.toBe(given);
  expect(readerOf(undefined).texts('option')).toBeUndefined();
  for (const value of [[], [''], ['a', ''], ['a', 1], 'a', null, {}, [['a']]]) {
    expectRefused(value, (reader) => reader.texts('option'), undefined, 'must be a list of one or more non-empty strings');
  }
});

test('accepts only true and false for a flag', () => {
  expect(readerOf(true).flag('option')).toBe(true);
  expect(readerOf(false).flag('option')).toBe(false);
  expect(readerOf(undefined).flag('option')).toBe(false);
  for (const value of ['true', 1, null, {}, []]) expectRefused(value, (reader) => reader.flag('option'), false, 'must be true or false');
});

test('accepts only a function or an object for an option that needs one', () => {
  const fn = () => 1;
  expect(readerOf(fn).fn('option')).toBe(fn);
  expect(readerOf(undefined).fn('option')).toBeUndefined();
  for (const value of ['fn', 1, null, {}, true]) expectRefused(value, (reader) => reader.fn('option'), undefined, 'must be a function');
  for (const value of ['a', 1, null, [], true, fn]) {
    const reader = readerOf(value);
    expect(reader.inner('option', ['a']).get('a')).toBeUndefined();
    expect(reader.problems[0]!.message).toContain('must be an object');
  }
});

test('rule 53: checks URLs, and hides their user names and passwords in messages', () => {
  expect(readerOf('https://api.example.com/a').url('option')).toBe('https://api.example.com/a');
  expect(readerOf(undefined).url('option')).toBeUndefined();
  for (const value of [1, null, {}, ['https://api.example.com']]) expectRefused(value, (reader) => reader.url('option'), undefined, 'must be a string');
  expectRefused('http://api.example.com', (reader) => reader.url('option'), undefined, 'must use https');
  const reader = readerOf('https://user:secret@api.example.com');
  reader.url('option');
  expect(reader.problems).toEqual([{ path: 'option', message: 'contains a user name or password. Remove them (got "https://***@api.example.com")' }]);
});

function readerOf(value: unknown): OptionReader {
  return new OptionReader({ option: value }, ['option']);
}

function expectRefused(value: unknown, read: (reader: OptionReader) => unknown, otherwise: unknown, words: string): void {
  const reader = readerOf(value);
  expect(read(reader)).toBe(otherwise);
  expect(reader.problems).toHaveLength(1);
  expect(reader.problems[0]!.path).toBe('option');
  expect(reader.problems[0]!.message).toContain(words);
}

test.each<[string, string]>([
  ['audiance', ': did you mean audience?'],
  ['Audience', ': did you mean audience?'],
  ['adience', ': did you mean audience?'],
  ['auidence', ': did you mean audience?'],
  ['isuer', ': did you mean issuer?'],
  ['jwksurl', ': did you mean jwksUri?'],
  ['maxTokenAgeSecond', ': did you mean maxTokenAgeSeconds?'],
  ['requiredClaim', ': did you mean requiredClaims?'],
  ['colour', ''],
  ['x', ''],
  ['', ''],
  ['audience'.repeat(100_000), ''],
])('the message for the unknown option %j has the suggestion "%s"', (name, question) => {
  const known = ['issuer', 'audience', 'jwksUri', 'requiredClaims', 'maxTokenAgeSeconds', 'maxTokenLifetimeSeconds'];
  expect(didYouMean(name, known)).toBe(question);
  expect(new OptionReader({ [name]: 1 }, known).problems).toEqual([
    {
      path: name.length > 0 && name.length < 41 ? name : expect.stringMatching(/^\(a name of \d+ characters\)$/),
      message: `is not an option${question} (options: ${known.join(', ')})`,
    },
  ]);
});
