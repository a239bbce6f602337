import fc from 'fast-check';

/** A JSON text, or nearly one, as its writer's members: names as they are spelt, with their quotes, and values as they are written. */
export type Members = readonly (readonly [name: string, value: string])[];

export function written(members: Members): string {
  return `{${members.map(([name, value]) => `${name}:${value}`).join(',')}}`;
}

export function membersOf(object: Readonly<Record<string, unknown>>): Members {
  return Object.entries(object).flatMap(([name, value]) => (value === undefined ? [] : [[JSON.stringify(name), JSON.stringify(value)] as const]));
}

/** Numbers that readers differ about, some of them none. */
export const ODD_NUMBERS: readonly string[] = [
  ...'1e400 -1e400 1e2 1E+9 1e-7 -0 0.1 9007199254740993 123456789012345678901234567890 4.9e-324 00 01 +1 .5 1. 0x10 1e - NaN Infinity 1_000'.split(' '),
  '9'.repeat(400),
];

/** Strings in the spelling of a text: lone surrogates, pairs, escapes of every kind, and some that are broken off. */
const ODD_STRINGS = [
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud83d\\ude00"',
  '"\ud83d\ude00"',
  '"\\u0000"',
  '"\\/"',
  '"\\x41"',
  '"\\u00"',
  '"\\u{41}"',
  '"\t"',
  "'a'",
  '"a',
  '"\\"',
  '"\\\\"',
  '"\\u006"',
  '"\\uD83D"',
  '"\\b\\f\\n\\r\\t"',
  '"\u2028"',
  '"\uFEFF"',
  '"\u0007"',
] as const;

/** What may be done to a JSON object's text; most of it leaves a text that some reader takes. */
export type TextChange = (members: Members) => string | Uint8Array;

const asIs: TextChange = written;
const position = fc.nat();
const oddValue = fc.constantFrom(
  ...ODD_NUMBERS,
  ...ODD_STRINGS,
  '[1,]',
  '[,]',
  '{"a":1,}',
  '{"a":1,"a":2}',
  '{"a":{"b":1,"\\u0062":2}}',
  '{"__proto__":{"x":1}}',
  'nul',
  '[[]',
  'True',
  '/**/1',
);

/** Writes a name with some of its letters as escapes: the same name to every reader. */
function escaped(name: string): string {
  return name.replaceAll(/[a-z_]/g, (letter, index: number) => (index % 2 ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

function withMember(at: number, add: (member: Members[number]) => Members): TextChange {
  return (members) =>
    members.length === 0 ? written(members) : written(members.flatMap((member, index) => (index === at % members.length ? add(member) : [member])));
}

const repeated = fc.tuple(position, fc.boolean(), fc.boolean()).map(([at, escape, same]) =>
  withMember(at, ([name, value]) => [
    [name, value],
    [escape ? escaped(name) : name, same ? value : 'null'],
  ]),
);
const respelt = position.map((at) => withMember(at, ([name, value]) => [[escaped(name), value]]));
const odd = fc.tuple(position, oddValue).map(([at, value]) => withMember(at, (member) => [member, ['"odd"', value]]));
const replaced = fc.tuple(position, oddValue).map(([at, value]) => withMember(at, ([name]) => [[name, value]]));
const oddName = fc
  .tuple(position, fc.constantFrom(...ODD_STRINGS, '"__proto__"', '"constructor"', '""', '"\\u005f_proto__"', 'a', '1'))
  .map(([at, name]) => withMember(at, (member) => [member, [name, '1']]));
const nested = fc.tuple(fc.constantFrom(1, 29, 30, 31, 32, 33, 100), fc.constantFrom('[', '{"a":')).map(
  ([depth, open]): TextChange =>
    (members) =>
      written([...members, ['"deep"', open.repeat(depth) + (open === '[' ? '' : '1') + (open === '[' ? ']' : '}').repeat(depth)]]),
);
const crowded = fc.tuple(fc.constantFrom(900, 980, 990, 995, 1000, 1001), fc.constantFrom('members', 'items')).map(
  ([count, what]): TextChange =>
    (members) =>
      written([
        ...members,
        ['"many"', what === 'items' ? `[${'0,'.repeat(count * 10)}0]` : `{${Array.from({ length: count }, (_, index) => `"${index}":0`).join(',')}}`],
      ]),
);
const surrounded = fc
  .tuple(fc.constantFrom('', ' ', '\n\t\r ', '\uFEFF', '\u00a0', '\0', '//', 'x'), fc.constantFrom('', '\n', ' ', '\0', ',', '}', '{}', '\u00a0', 'x'))
  .map(
    ([before, after]): TextChange =>
      (members) =>
        before + written(members).replace(',', ' ,\n\t') + after,
  );
const noObject = fc.constantFrom('', '[]', 'null', '1', '"a"', '[{}]', 'true').map(
  (text): TextChange =>
    () =>
      text,
);
const badBytes = fc
  .tuple(position, fc.constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0xc3, 0xa9], [0xf0, 0x9f, 0x98, 0x80]))
  .map(([at, raw]): TextChange => (members) => {
    const text = Buffer.from(written([...members, ['"raw"', '"~~"']]));
    const place = at % 2 ? text.lastIndexOf('~') : at % (text.length + 1);
    return Buffer.concat([text.subarray(0, place), Buffer.from(raw), text.subarray(place)]);
  });

/** One change, or none. */
export const textChange: fc.Arbitrary<TextChange> = fc.oneof(
  repeated,
  respelt,
  odd,
  replaced,
  oddName,
  nested,
  crowded,
  surrounded,
  noObject,
  badBytes,
  fc.constant(asIs),
);
