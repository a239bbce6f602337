import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerReader, type CertificateHeaderFormat } from './certificate-headers.js';

const { raw, fingerprint256 } = new X509Certificate(readFileSync(new URL('../../test/self-signed/cert.pem', import.meta.url)));
const hex = fingerprint256.replaceAll(':', '').toLowerCase();
const thumbprint = Buffer.from(hex, 'hex').toString('base64url');
const base64 = raw.toString('base64');
const pem = `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
/** As nginx encodes it. */
const escaped = encodeURIComponent(pem);
const otherHash = 'a'.repeat(64);
const otherPem = encodeURIComponent(pem.replace(base64.slice(0, 8), 'MIIAAAAA'));

function read(format: CertificateHeaderFormat, value: string, elements = 1): string | undefined {
  return headerReader(format, elements)(value);
}

/** Texts that are not base64 in its one form. */
const WRONG_BASE64: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['a line break', `${base64.slice(0, 64)}\n ${base64.slice(64)}`],
  ['a blank', `${base64.slice(0, 4)} ${base64.slice(4)}`],
  ['the alphabet of URLs', raw.toString('base64url')],
  ['another character', `${base64.slice(0, 4)}*${base64.slice(5)}`],
  ['a character of two bytes', `${base64.slice(0, 4)}\u0141${base64.slice(5)}`],
  ['a padding within', `${base64.slice(0, 4)}=${base64.slice(5)}`],
  ['too much padding', `${base64}=`],
  ['a length that is impossible', base64.replace(/=*$/, '').slice(0, -3)],
];

describe('rules 94 and 95: Client-Cert is a byte sequence (RFC 9440 s2.2, RFC 8941 s3.3.5)', () => {
  test('the thumbprint of the certificate in it', () => {
    expect(read('byte-sequence', `:${base64}:`)).toBe(thumbprint);
  });

  test.each<readonly [string, string]>([
    ...WRONG_BASE64.map(([name, text]) => [name, `:${text}:`] as const),
    ['no colons', base64],
    ['one colon', `:${base64}`],
    ['a colon alone', ':'],
    ['another character in place of the first colon', `;${base64}:`],
    ['another character in place of the last colon', `:${base64};`],
    ['another character in place of both', `;${base64};`],
    ['two colons', '::'],
    ['a string', `"${base64}"`],
    ['blanks around it', ` :${base64}: `],
    ['a parameter', `:${base64}:;a=1`],
    ['two members', `:${base64}:, :${base64}:`],
    ['a member that is empty', `:${base64}:,`],
    ['the certificate in PEM', pem],
    ['escaped PEM', escaped],
    ['more than a certificate has', `:${Buffer.alloc(20_000).toString('base64')}:`],
  ])('refuses %s', (_name, value) => {
    expect(read('byte-sequence', value)).toBeUndefined();
  });
});

describe('rule 95: a spare bit or a padding that is missing is not read', () => {
  test.each([
    [':AAA=:', true],
    [':AAB=:', false],
    [':AAA:', false],
    [':AA==:', true],
    [':AB==:', false],
    [':AA=:', false],
    [':AA:', false],
    [':A:', false],
    [':A===:', false],
  ])('%s', (value, isRead) => {
    expect(read('byte-sequence', value) !== undefined).toBe(isRead);
  });
});

describe('rule 95: escaped PEM', () => {
  test.each<readonly [string, string]>([
    ['as nginx writes it', escaped],
    ['as a load balancer writes it, which leaves +, = and / as they are', escaped.replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '=')],
    ['with lower-case digits', escaped.replaceAll(/%../g, (code) => code.toLowerCase())],
    ['without a line break at its end', encodeURIComponent(pem.trimEnd())],
    ['with line breaks of Windows', encodeURIComponent(pem.replaceAll('\n', '\r\n'))],
    ['in one line', encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`)],
  ])('reads it %s', (_name, value) => {
    expect(read('escaped-pem', value)).toBe(thumbprint);
  });

  test.each<readonly [string, string]>([
    ['nothing', ''],
    ['PEM that is not escaped', pem],
    ['a blank instead of its code', escaped.replace('%20', ' ')],
    ['plus signs for blanks', escaped.replaceAll('%20', '+')],
    ['a code that is none', escaped.replace('%20', '%2G')],
    ['a code that is cut off', `${escaped}%2`],
    ['half a character', `${escaped}%C3`],
    ['what is escaped twice', encodeURIComponent(escaped)],
    ['two certificates', escaped + escaped],
    ['two lines of the header', `${escaped}, ${escaped}`],
    ['text before it', encodeURIComponent(`subject=x\n${pem}`)],
    ['text behind it', encodeURIComponent(`${pem}x`)],
    ['line breaks behind it', encodeURIComponent(`${pem}\n`)],
    ['another label', encodeURIComponent(pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'))],
    ['a private key', encodeURIComponent(pem.replaceAll('CERTIFICATE', 'PRIVATE KEY'))],
    ['text behind the first line', encodeURIComponent(pem.replace('-----\n', '-----x\n'))],
    ['headers within it', encodeURIComponent(pem.replace('-----\n', '-----\nX: y\n\n'))],
    ['no end', encodeURIComponent(pem.replace('-----END CERTIFICATE-----\n', ''))],
    ['no body', encodeURIComponent('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----')],
    ['a beginning that is its end', encodeURIComponent('-----BEGIN CERTIFICATE-----END CERTIFICATE-----')],
    ['DER', `:${base64}:`],
    ['base64 of DER', encodeURIComponent(base64)],
    ['more than a header has', `${escaped}${'A'.repeat(100_000)}`],
    ...WRONG_BASE64.filter(([name]) => name !== 'a line break').map(
      ([name, text]) => [name, encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`)] as const,
    ),
  ])('refuses %s', (_name, value) => {
    expect(read('escaped-pem', value)).toBeUndefined();
  });
});

describe("rule 95: Envoy's X-Forwarded-Client-Cert", () => {
  const subject = 'Subject="/C=US/O=\\"A, B; C=D\\"\\\\/CN=client"';

  test.each<readonly [string, string]>([
    ['the hash', `Hash=${hex}`],
    ['the hash in upper case', `hash=${hex.toUpperCase()}`],
    ['the certificate', `Cert="${escaped}"`],
    ['a certificate without quotes', `Cert=${escaped.replaceAll('%3D', '%3d')}`],
    ['both', `By=spiffe://a/b;Hash=${hex};Cert="${escaped}";${subject};URI=spiffe://c/d`],
    ['several names', `Hash=${hex};DNS=a.example;DNS=b.example;URI=`],
    ['what would end a value that has no quotes', `${subject};Hash=${hex}`],
    ['a hash in quotes', `Hash="${hex}"`],
    ['a chain, which does not count', `Hash=${hex};Chain="${otherPem}${escaped}"`],
    ['a key that is not known', `Future=x;Hash=${hex}`],
  ])('reads %s', (_name, value) => {
    expect(read('xfcc', value)).toBe(thumbprint);
  });

  test.each<readonly [string, string]>([
    ['nothing', ''],
    ['an element without a certificate', `By=spiffe://a/b;${subject}`],
    ['only a chain', `Chain="${escaped}"`],
    ['two hashes', `Hash=${hex};Hash=${hex}`],
    ['two hashes, of which the second has another case', `Hash=${hex};hash=${otherHash}`],
    ['a hash in a name that was not quoted', `Hash=${hex};URI=spiffe://x;Hash=${otherHash}`],
    ['two certificates', `Cert="${escaped}";Cert="${escaped}"`],
    ['a certificate of another hash', `Hash=${otherHash};Cert="${escaped}"`],
    ['a hash beside a certificate that cannot be read', `Hash=${hex};Cert="x"`],
    ['a hash of another length', `Hash=${hex.slice(2)}`],
    ['a hash that is too long', `Hash=0${hex}`],
    ['a hash in base64', `Hash=${thumbprint}`],
    ['an empty hash', `Hash=;Cert="${escaped}"`],
    ['a quote that does not end', `Hash=${hex};Subject="x`],
    ['a quote that ends with a backslash', `Hash=${hex};Subject="x\\"`],
    ['text behind a quote', `Subject="x"y;Hash=${hex}`],
    ['a quote within a value', `URI=a"b;Hash=${hex}`],
    ['a pair without a value', `Hash;Hash=${hex}`],
    ['an empty pair', `Hash=${hex};`],
    ['a first pair that is empty', `;Hash=${hex}`],
    ['an empty element', `Hash=${hex},`],
    ['a blank before a key', `Hash=${hex}; URI=a`],
    ['another form', `:${base64}:`],
    ['two elements', `Hash=${hex},Hash=${hex}`],
    ['two lines of the header', `Hash=${hex}, Hash=${hex}`],
    ['more elements than anybody has', `Hash=${hex},`.repeat(20) + `Hash=${hex}`],
    ['more than a header has', `Hash=${hex};URI=${'a'.repeat(100_000)}`],
  ])('refuses %s', (_name, value) => {
    expect(read('xfcc', value)).toBeUndefined();
  });

  test('of several elements the first counts, if there are exactly as many as there should be', () => {
    const own = `Hash=${hex};URI=spiffe://client`;
    const gateway = `Hash=${otherHash};URI=spiffe://gateway`;
    expect(read('xfcc', `${own},${gateway}`, 2)).toBe(thumbprint);
    for (const value of [own, `${gateway},${own},${gateway}`, `${own},${gateway},${gateway}`]) expect(read('xfcc', value, 2)).toBeUndefined();
  });

  test('a value in quotes never makes a pair or an element, whatever it contains', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const quoted = `"${text.replaceAll(/[^ -~]/g, '').replaceAll(/["\\]/g, '\\$&')}"`;
        expect(read('xfcc', `Hash=${hex};Subject=${quoted};URI=a`)).toBe(thumbprint);
        expect(read('xfcc', `Subject=${quoted};URI=a`)).toBeUndefined();
      }),
    );
  });
});

test('rule 95: a certificate of 16,384 bytes and a header of 98,304 characters are read, and no longer ones', () => {
  const ofBytes = (count: number) => read('byte-sequence', `:${Buffer.alloc(count).toString('base64')}:`);
  expect([ofBytes(16_384), ofBytes(16_385)]).toEqual([expect.any(String), undefined]);
  const ofCharacters = (count: number) => read('xfcc', `Hash=${hex};URI=`.padEnd(count, 'a'));
  expect([ofCharacters(98_304), ofCharacters(98_305)]).toEqual([thumbprint, undefined]);
});

test('rule 95: no reader throws, or reads what was changed at one place', () => {
  const valid: readonly [CertificateHeaderFormat, string][] = [
    ['byte-sequence', `:${base64}:`],
    ['escaped-pem', escaped],
    // with both, a key that is no longer known leaves the other
    ['xfcc', `Hash=${hex}`],
    ['xfcc', `Cert="${escaped}"`],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...valid), fc.nat(), fc.string({ maxLength: 3 }), ([format, value], place, inserted) => {
      const at = place % value.length;
      const changed = value.slice(0, at) + inserted + value.slice(at + 1);
      const found = read(format, changed);
      // another certificate, or other line breaks and digits of the same one
      if (found === thumbprint) expect(changed.replaceAll(/%0[AD]|\W/gi, '').toLowerCase()).toBe(value.replaceAll(/%0[AD]|\W/gi, '').toLowerCase());
    }),
  );
});
