import { MAX_CERTIFICATE_BYTES, thumbprintOf, thumbprintOfHex } from './certificate-source.js';

/**
 * The form of a header in which a proxy passes on the certificate of a client:
 *
 * - `byte-sequence`: the `Client-Cert` of RFC 9440, DER in base64 between colons
 * - `escaped-pem`: one certificate in PEM, percent-encoded, as nginx and load balancers write it
 * - `xfcc`: Envoy's `X-Forwarded-Client-Cert`
 */
export type CertificateHeaderFormat = 'byte-sequence' | 'escaped-pem' | 'xfcc';

/** The longest header that is read, in characters: a certificate of {@link MAX_CERTIFICATE_BYTES}, its chain, and their encoding. */
const MAX_CHARACTERS = 98_304;

/** Returns the thumbprint of the certificate in a header; undefined unless the header has exactly the form. */
export type CertificateHeaderReader = (value: string) => string | undefined;

/** @param elements how many elements the header must have, for `xfcc` */
export function headerReader(format: CertificateHeaderFormat, elements: number): CertificateHeaderReader {
  const read = format === 'xfcc' ? (value: string) => readXfcc(value, elements) : format === 'escaped-pem' ? readEscapedPem : readByteSequence;
  return (value) => (value.length > MAX_CHARACTERS ? undefined : read(value));
}

/** A structured field that is an item without parameters, a byte sequence (RFC 8941 s3.3.5, RFC 9440 s2.2). */
function readByteSequence(value: string): string | undefined {
  return value.startsWith(':') && value.endsWith(':') ? thumbprintOfBase64(value.slice(1, -1)) : undefined;
}

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

/** One certificate in the strict form of RFC 7468 s3, with lines of any length. A plus sign is itself: it is part of base64. */
function readEscapedPem(value: string): string | undefined {
  const pem = percentDecoded(value)?.replace(/\r?\n$/, '');
  if (pem === undefined || !pem.startsWith(BEGIN) || !pem.endsWith(END)) return undefined;
  const body = /^\r?\n([^]*?)\r?\n$/.exec(pem.slice(BEGIN.length, -END.length))?.[1];
  return body === undefined ? undefined : thumbprintOfBase64(body.replaceAll(/\r?\n/g, ''));
}

/** Returns undefined if the text contains a character that every encoder would have encoded. */
function percentDecoded(value: string): string | undefined {
  if (!/^[\w.~%+=/-]+$/.test(value)) return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

/** Takes only the one text that the bytes have in base64: no other alphabet, no white space, all of the padding, no spare bits. */
function thumbprintOfBase64(text: string): string | undefined {
  const der = Buffer.from(text, 'base64');
  if (der.length === 0 || der.length > MAX_CERTIFICATE_BYTES || der.toString('base64') !== text) return undefined;
  return thumbprintOf(der);
}

/**
 * Each proxy on the way appends an element. Only if there are as many as there should be, the first is what the outermost proxy wrote about the client: a client
 * that sends an element of its own makes one too many.
 */
function readXfcc(value: string, elements: number): string | undefined {
  const found = parseXfcc(value, elements);
  return found?.length === elements ? thumbprintOfElement(found[0]!) : undefined;
}

/** If a proxy writes both the hash and the certificate, they must be those of one certificate. */
function thumbprintOfElement(pairs: XfccElement): string | undefined {
  const hash = pairs.get('hash');
  const cert = pairs.get('cert');
  const ofCert = cert === undefined ? undefined : readEscapedPem(cert);
  if (hash === undefined) return ofCert;
  const ofHash = thumbprintOfHex(hash);
  return cert === undefined || ofCert === ofHash ? ofHash : undefined;
}

/** The values of an element by their keys in lower case. */
type XfccElement = ReadonlyMap<string, string>;

/** A key, the equals sign, a value with or without quotes, and what follows: the next pair, the next element or the end. In quotes, a backslash escapes. */
const PAIR = /([A-Za-z]{1,20})=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))([,;]|$)/y;
/** These may not be repeated: one of them could be a part of a value that was not quoted. */
const ONCE: ReadonlySet<string> = new Set(['hash', 'cert']);

/** @param most more elements are not read */
function parseXfcc(value: string, most: number): readonly XfccElement[] | undefined {
  const elements: Map<string, string>[] = [new Map()];
  PAIR.lastIndex = 0;
  for (;;) {
    const match = PAIR.exec(value);
    const element = elements.at(-1)!;
    if (!match || elements.length > most) return undefined;
    const [, name, quoted, plain, separator] = match;
    const key = name!.toLowerCase();
    if (ONCE.has(key) && element.has(key)) return undefined;
    element.set(key, quoted ?? plain!);
    if (separator === '') return elements;
    if (separator === ',') elements.push(new Map());
  }
}
