import { row, segment, type Forge, type HostileToken } from './hostile-token.js';

/** Section B: tokens of an invalid form. */
export function parsingRows(forge: Forge): HostileToken[] {
  return [...shapes(forge), ...encodings(forge), ...texts(forge), ...duplicates(forge), ...values(forge), ...headers(forge)];
}

function shapes({ token, header, claims }: Forge): HostileToken[] {
  const good = token({});
  const [header64, payload64, signature64] = good.split('.') as [string, string, string];
  return [
    row(8, 'ten thousand dots', 'malformed_token', '.'.repeat(10_000)),
    row(8, 'a token with a header of more than 8 KiB', 'token_too_large', token({ header: header({ padding: 'x'.repeat(8300) }) })),
    row(16, 'a JWE of five parts', 'encrypted_token', `${segment({ alg: 'dir', enc: 'A256GCM' })}..${payload64}.${payload64}.${signature64}`),
    row(16, 'a token of six parts', 'malformed_token', `${good}.${good}`),
    row(16, 'a token of four parts', 'malformed_token', `${good}.${signature64}`),
    row(16, 'a token of two parts', 'malformed_token', `${header64}.${payload64}`),
    row(16, 'a header alone', 'malformed_token', header64),
    row(16, 'a nested token (cty)', 'encrypted_token', token({ header: header({ cty: 'JWT' }) })),
    row(16, 'a nested token (cty as a media type)', 'encrypted_token', token({ header: header({ cty: 'application/jwt' }) })),
    row(16, 'a token in JSON serialization', 'malformed_credentials', JSON.stringify({ protected: header64, payload: payload64, signature: signature64 })),
    row(18, 'a token whose claims were changed after signing', 'bad_signature', `${header64}.${segment(claims({ sub: 'somebody-else' }))}.${signature64}`),
    row(18, 'a token whose header was changed after signing', 'bad_signature', `${segment(header({ typ: 'JWT' }))}.${payload64}.${signature64}`),
    row(21, 'a token with an empty signature', 'malformed_token', `${header64}.${payload64}.`),
    row(21, 'a token with an empty payload', 'malformed_token', `${header64}..${signature64}`),
  ];
}

function encodings({ token, header, claims }: Forge): HostileToken[] {
  const good = token({});
  const header64 = segment(header());
  const payload64 = segment(claims());
  const spare = payload64WithSpareBits(claims);
  return [
    row(9, 'a padded header', 'malformed_credentials', token({ header64: `${segment(header({ pad: pad(header, 1) }))}=` })),
    row(9, 'a padded payload', 'malformed_credentials', token({ payload64: `${payload64}=` })),
    row(9, 'a padded signature', 'malformed_token', `${good}==`),
    row(9, 'a payload in base64 instead of base64url', 'malformed_token', token({ payload64: toPlainAlphabet(claims) })),
    row(9, 'a payload of impossible length', 'malformed_token', token({ payload64: `${payload64}${'A'.repeat((5 - (payload64.length % 4)) % 4)}` })),
    row(9, 'a payload whose spare bits are set', 'malformed_token', token({ payload64: spare })),
    row(9, 'a signature whose spare bits are set', 'malformed_token', setSpareBit(good)),
    row(9, 'a tilde at the end of the header', 'malformed_token', token({ header64: `${header64}~` })),
    row(2, 'a space inside the token', 'malformed_credentials', good.replace('.', ' .')),
    row(2, 'a tab inside the token', 'malformed_credentials', good.replace('.', '\t.')),
    row(2, 'a comma inside the token', 'malformed_credentials', good.replace('.', ',.')),
    row(2, 'a token in quotes', 'malformed_credentials', `"${good}"`),
    row(2, 'a token with a non-ASCII character', 'malformed_credentials', `${good}\u00e9`),
  ];
}

function texts({ token, header, claims }: Forge): HostileToken[] {
  const json = JSON.stringify(claims());
  const withBytes = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from(`${json.slice(0, -1)},"x":"`), Buffer.from(bytes), Buffer.from('"}')]);
  return [
    row(10, 'a payload that is not UTF-8', 'malformed_token', token({ payload: withBytes(0xff) })),
    row(10, 'a payload with an overlong UTF-8 sequence', 'malformed_token', token({ payload: withBytes(0xc0, 0xaf) })),
    row(10, 'a payload with a surrogate encoded as UTF-8', 'malformed_token', token({ payload: withBytes(0xed, 0xa0, 0x80) })),
    row(10, 'a payload with an escaped lone surrogate', 'malformed_token', token({ payload: `${json.slice(0, -1)},"x":"\\ud800"}` })),
    row(10, 'a payload with a lone surrogate in a claim name', 'malformed_token', token({ payload: `${json.slice(0, -1)},"\\udc00":1}` })),
    row(10, 'a byte order mark before the payload', 'malformed_token', token({ payload: `\ufeff${json}` })),
    row(10, 'a byte order mark before the header', 'malformed_token', token({ header: `\ufeff${JSON.stringify(header())}` })),
    row(10, 'a header that is not UTF-8', 'malformed_token', token({ header: Buffer.from([0x7b, 0xff, 0x7d]) })),
  ];
}

function duplicates({ token, header, claims }: Forge): HostileToken[] {
  const payload = JSON.stringify(claims()).slice(0, -1);
  const head = JSON.stringify(header()).slice(0, -1);
  return [
    row(11, 'a duplicate claim', 'malformed_token', token({ payload: `${payload},"sub":"root"}` })),
    row(11, 'a duplicate claim with the same value', 'malformed_token', token({ payload: `${payload},"sub":"user-1"}` })),
    row(11, 'a duplicate claim whose second name is escaped', 'malformed_token', token({ payload: `${payload},"s\\u0075b":"root"}` })),
    row(11, 'a duplicate nested member', 'malformed_token', token({ payload: `${payload},"x":{"y":[{"z":1,"z":1}]}}` })),
    row(11, 'a duplicate __proto__ claim', 'malformed_token', token({ payload: `${payload},"__proto__":1,"__proto__":2}` })),
    row(11, 'a duplicate header member', 'malformed_token', token({ header: `${head},"alg":"RS256"}` })),
    row(11, 'a duplicate header member whose second name is escaped', 'malformed_token', token({ header: `${head},"\\u0061lg":"none"}` })),
  ];
}

function values({ token, header, claims }: Forge): HostileToken[] {
  const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const json = JSON.stringify(claims()).slice(0, -1);
  const bodies: [string, string][] = [
    ['an array', '[]'],
    ['a string', '"claims"'],
    ['a number', '1'],
    ['null', 'null'],
    ['a space', ' '],
    ['an incomplete object', '{"iss":'],
    ['an object followed by text', `${json}} {}`],
    ['nested a thousand levels deep', `${json},"x":${nested(1000)}}`],
    ['nested a thousand levels deep and not closed', `${json},"x":${'['.repeat(1000)}}`],
    ['an object of more than a thousand members', `${json}${Array.from({ length: 1001 }, (_, index) => `,"m${index}":0`).join('')}}`],
    ['an object with a comment', `${json}/* */}`],
    ['an object with single quotes', `{'iss':'x'}`],
  ];
  return [
    ...bodies.map(([name, payload]) => row(12, `a payload that is ${name}`, 'malformed_token', token({ payload }))),
    row(12, 'a header that is an array', 'malformed_token', token({ header: [header()] })),
    row(12, 'a header that is null', 'malformed_token', token({ header: 'null' })),
    row(
      13,
      'a token whose exp is in __proto__',
      'malformed_token',
      token({ payload: `${JSON.stringify(claims({ exp: undefined })).slice(0, -1)},"__proto__":{"exp":9999999999}}` }),
    ),
    row(
      13,
      'a token whose claims except iss are in __proto__',
      'malformed_token',
      token({ payload: `{"__proto__":${JSON.stringify(claims())},"iss":"${String(claims()['iss'])}"}` }),
    ),
    row(13, 'a __proto__ claim', 'malformed_token', token({ payload: `${JSON.stringify(claims()).slice(0, -1)},"__proto__":{"admin":true}}` })),
    row(13, 'a nested __proto__ member', 'malformed_token', token({ payload: `${JSON.stringify(claims()).slice(0, -1)},"a":[{"__proto__":null}]}` })),
    row(13, 'an escaped __proto__ claim', 'malformed_token', token({ payload: `${JSON.stringify(claims()).slice(0, -1)},"\\u005f_proto__":{}}` })),
  ];
}

function headers({ token, header }: Forge): HostileToken[] {
  const misfits: [string, unknown][] = [
    ['a number', 1],
    ['null', null],
    ['an array', ['RS256']],
    ['an object', {}],
    ['true', true],
  ];
  const crits: [string, object][] = [
    ['names an unknown header', { crit: ['exp'], exp: 1 }],
    ['names a missing header', { crit: ['https://example.test/x'] }],
    ['is empty', { crit: [] }],
    ['names a registered header', { crit: ['alg'] }],
    ['repeats a name', { crit: ['b64', 'b64'], b64: true }],
    ['is a string', { crit: 'b64', b64: true }],
    ['is null', { crit: null }],
    ['asks for an unencoded payload', { crit: ['b64'], b64: false }],
  ];
  return [
    ...['alg', 'kid', 'typ', 'cty'].flatMap((name) =>
      // null counts as missing, and only alg is required
      misfits
        .filter(([, value]) => value !== null || name === 'alg')
        .map(([what, value]) => row(14, `a header whose ${name} is ${what}`, 'malformed_token', token({ header: header({ [name]: value }) }))),
    ),
    row(21, 'a header without alg', 'malformed_token', token({ header: header({ alg: undefined }) })),
    ...crits.map(([what, members]) =>
      row(15, `a header whose crit ${what}`, 'unsupported_critical_header', token({ header: header(members as Record<string, unknown>) })),
    ),
    row(15, 'a header whose b64 is false without crit', 'unsupported_critical_header', token({ header: header({ b64: false }) })),
  ];
}

type Make = (changes?: Readonly<Record<string, unknown>>) => Record<string, unknown>;

/** Returns a filler that makes the base64 form of the JSON need this many padding characters. */
function pad(make: Make, padding: number): string {
  for (const filler of ['', 'x', 'xx']) if (Buffer.byteLength(JSON.stringify(make({ pad: filler }))) % 3 === (3 - padding) % 3) return filler;
  return '';
}

/** The last character of a segment has four spare bits if the length is 4n + 2, and two if it is 4n + 3. */
function payload64WithSpareBits(claims: Make): string {
  return setSpareBit(segment(claims({ pad: pad(claims, 1) })));
}

function setSpareBit(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return `${text.slice(0, -1)}${alphabet.charAt(alphabet.indexOf(text.at(-1)!) + 1)}`;
}

/** Replaces base64url's `-` and `_` by base64's `+` and `/`. The filler makes sure that the payload contains one. */
function toPlainAlphabet(claims: Make): string {
  return segment(claims({ filler: '???>>>???>>>' }))
    .replaceAll('-', '+')
    .replaceAll('_', '/');
}
