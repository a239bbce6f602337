import { describe, expect, test } from 'vitest';
import { parseStrictObject, unknownSize } from './json.js';

test('rule 10: reads an object with UTF-8 and escapes', () => {
  expect(parse('{"a":"\u00e9\u{1f600}","b":"\\u00e9\\ud83d\\ude00","c":[1,{"d":null}]}')).toEqual({
    a: '\u00e9\u{1f600}',
    b: '\u00e9\u{1f600}',
    c: [1, { d: null }],
  });
  expect(parse(' \t\r\n{ } \n')).toEqual({});
});

describe('rule 10: refuses text that is not well-formed Unicode', () => {
  test.each<[string, string | number[]]>([
    ['a byte order mark', [0xef, 0xbb, 0xbf, ...Buffer.from('{}')]],
    ['UTF-16', [...Buffer.from('{}', 'utf16le')]],
    ['UTF-16 with its byte order mark', [0xff, 0xfe, ...Buffer.from('{}', 'utf16le')]],
    ['Latin-1', [...Buffer.from('{"a":"\u00e9"}', 'latin1')]],
    ['an overlong slash', inString(0xc0, 0xaf)],
    ['an overlong quotation mark', inString(0xe0, 0x80, 0xa2)],
    ['an overlong NUL', inString(0xc0, 0x80)],
    ['half a character', inString(0xe2, 0x82)],
    ['a continuation byte without a start byte', inString(0x80)],
    ['a surrogate in UTF-8', inString(0xed, 0xa0, 0x80)],
    ['a pair of surrogates in UTF-8 (CESU-8)', inString(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
    ['a code point beyond the last', inString(0xf4, 0x90, 0x80, 0x80)],
    ['a byte that UTF-8 never has', inString(0xff)],
    ['an escaped high surrogate without a low one', '{"a":"\\ud83d"}'],
    ['an escaped low surrogate without a high one', '{"a":"\\uDE00"}'],
    ['a surrogate pair in the wrong order', '{"a":"\\ude00\\ud83d"}'],
    ['a lone surrogate in a name', '{"\\ud83d":1}'],
    ['a nested lone surrogate', '{"a":[[{"b":["x","\\ud83d"]}]]}'],
    ['a lone surrogate in a nested name', '{"a":[{"b":{"\\ud83d":1}}]}'],
  ])('refuses %s', (_name, text) => {
    expect(parseStrictObject(Buffer.from(text as string))).toBeUndefined();
  });
});

describe('rule 11: refuses a duplicated member', () => {
  test.each([
    ['two members next to each other', '{"a":1,"a":1}'],
    ['two members far apart', '{"a":1,"b":{"c":[]},"d":"","a":2}'],
    ['the second name with an escape', '{"iss":1,"\\u0069ss":2}'],
    ['the first name with an escape', '{"i\\u0073s":1,"iss":2}'],
    ['both names with escapes, in two cases', '{"\\u006a":1,"\\u006A":2}'],
    ['a name with an escaped slash', '{"a/b":1,"a\\/b":2}'],
    ['a member of a nested object', '{"a":{"b":1,"b":2}}'],
    ['a member of an object in an array', '{"a":[0,{"b":1,"b":2}]}'],
    ['members whose values are objects', '{"a":{"b":1},"a":{"c":1}}'],
    ['the empty name', '{"":1,"":2}'],
    ['the name __proto__', '{"__proto__":1,"__proto__":2}'],
    ['the name __proto__ with objects as values', '{"__proto__":{"a":1},"__proto__":{"b":1}}'],
    ['a name that looks like an index', '{"0":1,"0":2}'],
    ['a duplicated member inside a duplicated member', '{"a":{"b":1,"b":2},"a":3}'],
    ['three members', '{"a":1,"a":2,"a":3}'],
    ['a member that takes the place of the zeros of a number', '{"a":10e8,"b":1,"b":2}'],
    ['a member that takes the place of the zeros of a number in a list', '{"a":[-1e9],"bb":1,"bb":2}'],
    ['1,001 members', `{${'"a":1,'.repeat(1_000)}"a":1}`],
    ['a member after a lone surrogate in a list', '{"a":["\\ud83d"],"b":1,"b":2}'],
    ['a member after a lone surrogate in an object', '{"a":{"b":"\\ud83d"},"c":1,"c":2}'],
  ])('refuses %s', (_name, text) => {
    expect(JSON.parse(text)).toBeTypeOf('object');
    expect(parse(text)).toBeUndefined();
  });

  test('accepts the same name in different objects', () => {
    const text = '{"a":{"a":{"a":[{"a":1},{"a":2}]}},"b":"\\"a\\":1,\\"a\\":1","A":0,"a ":0,"c":"a:a:a,,{}[]\\\\"}';
    expect(parse(text)).toEqual(JSON.parse(text));
  });
});

describe('rule 12: refuses text that is not a JSON object or is too large', () => {
  test.each([
    '',
    ' ',
    'null',
    'true',
    '0',
    '"{}"',
    '[]',
    '[{}]',
    '{',
    '}',
    '{}{}',
    '{} x',
    "{'a':1}",
    '{"a":1,}',
    '{a:1}',
    '{"a":01}',
    '{"a":NaN}',
    '{"a":1}\0',
  ])('refuses %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  test.each([
    ['objects', '{"a":', '1', '}'],
    ['arrays', '[', '', ']'],
    ['arrays after empty arrays', '[[],', '[]', ']'],
  ])('accepts %s nested 32 deep, and refuses 33', (_name, open, core, close) => {
    const nested = (depth: number) => `{"x":${open.repeat(depth - 1)}${core || (close === '}' ? '1' : '')}${close.repeat(depth - 1)}}`;
    const innermost = core === '[]' ? 1 : 0;
    expect(parse(nested(32 - innermost))).toBeDefined();
    expect(parse(nested(33 - innermost))).toBeUndefined();
  });

  test('refuses values nested 10,000 and 1,000,000 deep without a stack overflow', () => {
    for (const depth of [10_000, 1_000_000]) {
      expect(parse(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)).toBeUndefined();
      expect(parse('{"a":'.repeat(depth))).toBeUndefined();
      expect(parse('['.repeat(depth))).toBeUndefined();
    }
  });

  test('accepts 1,000 members at all depths together, and refuses 1,001', () => {
    const flat = (count: number) => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, index])));
    expect(Object.keys(parse(flat(1_000))!)).toHaveLength(1_000);
    expect(parse(flat(1_001))).toBeUndefined();
    const spread = (count: number) => JSON.stringify({ list: Array.from({ length: count }, () => ({ m: 0 })) });
    expect(parse(spread(999))).toBeDefined();
    expect(parse(spread(1_000))).toBeUndefined();
  });

  test('accepts an array of 10,001 items, and refuses one of 10,002', () => {
    const list = (count: number) => JSON.stringify({ aud: Array.from({ length: count }, () => 'x') });
    expect(parse(list(10_001))).toBeDefined();
    expect(parse(list(10_002))).toBeUndefined();
  });

  test('does not count colons, commas and brackets in strings', () => {
    const text = JSON.stringify({ a: ':,{}[]"\\'.repeat(3_000) });
    expect(parse(text)).toEqual(JSON.parse(text));
  });
});

describe('rule 13: refuses __proto__, and reads other names of prototype members as ordinary members', () => {
  test.each([
    ['an object as its value', '{"__proto__":{"admin":true}}'],
    ['null as its value', '{"a":1,"__proto__":null}'],
    ['a nested member', '{"a":[1,{"b":{"__proto__":[]}}]}'],
    ['a name with escapes', '{"\\u005f_proto_\\u005F":1}'],
  ])('refuses a member named __proto__, which could give a copy another prototype: %s', (_name, text) => {
    expect(JSON.parse(text)).toBeTypeOf('object');
    expect(parse(text)).toBeUndefined();
  });

  test('accepts names that resemble __proto__, and __proto__ as a value', () => {
    const text = '{"__proto":1,"proto__":{"__Proto__":["__proto__"]},"constructor":{"prototype":"__proto__"},"\\"__proto__\\"":1}';
    const value = parse(text)!;
    expect(value).toEqual(JSON.parse(text));
    expect(Object.getPrototypeOf(Object.assign({}, value))).toBe(Object.prototype);
    expect(isDeeplyFrozen(value)).toBe(true);
  });

  test('the result has own members only for the names in the text', () => {
    const value = parse('{"constructor":1}')!;
    expect(Object.hasOwn(value, 'constructor')).toBe(true);
    expect(Object.hasOwn(value, 'toString')).toBe(false);
  });
});

test('rule 42: reads a number that is too large as infinite, so that the claims can refuse it', () => {
  expect(parse('{"exp":1e400,"nbf":-1e400}')).toEqual({ exp: Infinity, nbf: -Infinity });
});

describe('rule 11: measures an object while it is read, so that a text without room for a second member is not read again', () => {
  test.each([
    ['{}', { members: 0, items: 0, objects: 1 }],
    ['{"a":""}', { members: 1, items: 0, objects: 1 }],
    ['{"a":"text","bc":"more"}', { members: 2, items: 0, objects: 1 }],
    ['{"a":true,"b":false,"c":null}', { members: 3, items: 0, objects: 1 }],
    ['{"a":7,"b":-12,"c":999,"d":1001}', { members: 4, items: 0, objects: 1 }],
    ['{"a":999999999,"b":1000000001,"c":9999999999,"d":10000000001}', { members: 4, items: 0, objects: 1 }],
    ['{"a":-1000000001,"b":9007199254740991}', { members: 2, items: 0, objects: 1 }],
    ['{"a":[],"b":{}}', { members: 2, items: 0, objects: 3 }],
    ['{"a":[1,"x",[true,[null]],{"b":{"c":2,"d":[]}}]}', { members: 4, items: 7, objects: 7 }],
    ['{"é":"über"}', { members: 1, items: 0, objects: 1 }],
  ])('%s', (text, counts) => {
    const size = unknownSize();
    expect(parseStrictObject(Buffer.from(text, 'utf8'), size)).toBeDefined();
    expect(size).toEqual({ length: text.length, ...counts });
  });

  test.each(['{"a":1.5}', '{"a":1e3}', '{"a":[12000]}', '{"a":0}', '{"a":-0}', '{"a":9007199254740993}', '{"a":1e400}'])(
    'a number whose shortest text is not known makes the length negative: %s',
    (text) => {
      const size = unknownSize();
      expect(parseStrictObject(Buffer.from(text, 'utf8'), size)).toBeDefined();
      expect(size.length).toBeLessThan(0);
    },
  );
});

function parse(text: string): Record<string, unknown> | undefined {
  return parseStrictObject(Buffer.from(text, 'utf8'));
}

function inString(...bytes: number[]): number[] {
  return [...Buffer.from('{"a":"'), ...bytes, ...Buffer.from('"}')];
}

function isDeeplyFrozen(value: unknown): boolean {
  return typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen));
}
