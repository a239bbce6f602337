/** How a block of PEM begins (RFC 7468 s2), wherever in a text. */
export const PEM_BEGIN = '-----BEGIN';

/**
 * Words that stand in keys which are written down: PEM, RFC 4716, OpenSSH (also behind the length in its binary form, RFC 4253 s6.6), PuTTY, XML, and
 * what OpenSSL prints around them. A secret made by chance has none of them.
 */
const KEY_WORDS =
  /-----BEGIN|---- BEGIN |ssh-(?:rsa|dss|ed25519|ed448)|ecdsa-sha2-nistp|sk-(?:ssh|ecdsa)-|openssh-key-v1|PuTTY-User-Key-File|Bag Attributes|RSAKeyValue|<Modulus>|Public-Key: ?\(/;
/** A JWK's only member that is always there (RFC 7517 s4.1), in JSON, in JSON within a string, in YAML or as code. */
const KTY = /kty\\*["']\s*[:=]|\bkty\s*:|\bkty\s*=\s*["']?(?:RSA|EC|OKP|AKP|oct)\b/;

/**
 * What DER holds of keys: the identifiers of algorithms and curves (RSA, EC, EdDSA and X25519, DSA, ML-DSA), each with its tag and length, and the
 * beginnings of PKCS #1 and SEC 1, which name none. Each is long enough not to stand in random bytes.
 */
const DER = new RegExp(
  [
    '\\x06\\x09\\x2a\\x86\\x48\\x86\\xf7\\x0d\\x01\\x01[\\x01-\\x0e]',
    '\\x06\\x07\\x2a\\x86\\x48\\xce\\x3d\\x02\\x01',
    '\\x06\\x08\\x2a\\x86\\x48\\xce\\x3d\\x03\\x01\\x07',
    '\\x06\\x05\\x2b\\x81\\x04\\x00[\\x0a\\x22\\x23]',
    '\\x30\\x05\\x06\\x03\\x2b\\x65[\\x6e-\\x71]',
    '\\x06\\x07\\x2a\\x86\\x48\\xce\\x38\\x04\\x01',
    '\\x06\\x09\\x60\\x86\\x48\\x01\\x65\\x03\\x04\\x03[\\x11-\\x13]',
    '\\x30\\x82[^]{2}\\x02\\x82[^]{2}\\x00[\\x80-\\xff]',
    '\\x30\\x81[^]\\x02\\x81[^]\\x00[\\x80-\\xff]',
    '\\x30\\x82[^]{2}\\x02\\x01\\x00\\x02\\x82',
    '\\x30[^]{1,2}\\x02\\x01\\x01\\x04[\\x20\\x30\\x42]',
  ].join('|'),
);

/** A key in hex in base64, say: what a deployment's files and variables are wrapped into. */
const MOST_WRAPPINGS = 4;
/** The shortest key in base64 or hex is longer. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{32,}/g;
const HEX_RUN = /[0-9A-Fa-f]{48,}/g;
/** What stands between the parts of one key that was broken into lines, or put into a string, a URL or a list of bytes. */
const BETWEEN = /\s+|\\/g;
const BETWEEN_BYTES = /0x|[:,]/g;

/**
 * Whether a key stands anywhere in these bytes, in any form that keys are stored or published in: others may then know them, so they are no secret
 * to share. It looks for marks and reads nothing, so that what stands in front of a key or behind it, or that only a part is there, changes nothing.
 */
export function isKeyMaterial(bytes: Uint8Array, wrappings = 0): boolean {
  // one character a byte
  const binary = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const plain = unescaped(binary);
  if ([binary, plain, everySecond(plain, 0), everySecond(plain, 1)].some((view) => DER.test(view))) return true;
  // UTF-16 and UTF-32 have zeros between
  const text = plain.replaceAll('\0', '');
  if (KEY_WORDS.test(text) || KTY.test(text) || isJson(text)) return true;
  return wrappings < MOST_WRAPPINGS && unwrapped(text).some((inner) => isKeyMaterial(inner, wrappings + 1));
}

/** What a string in JSON or code, or a part of a URL, is spelt for. */
function unescaped(text: string): string {
  return text.replace(/(?:\\u00|\\x|%)([0-9A-Fa-f]{2})|\\([bfnrt"\\/])/g, (_spelt, hex: string | undefined, letter: string) =>
    hex === undefined ? (ESCAPES.get(letter) ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/** UTF-16 without its zeros. */
function everySecond(text: string, from: number): string {
  return Buffer.from(Buffer.from(text, 'latin1').filter((_byte, at) => at % 2 === from)).toString('latin1');
}

/** A JWK or JWKS of another kind. A secret made by chance may begin with a brace, too, but is no JSON. */
function isJson(text: string): boolean {
  if (!/^[^!-~]*[[{]/.test(text)) return false;
  try {
    return JSON.parse(text.replace(/^[^!-~]+/, '')) !== undefined;
  } catch {
    return false;
  }
}

/** What a text is the base64 or hex of, whatever stands in front: each place where a group of characters can begin. */
function unwrapped(text: string): Buffer[] {
  const packed = text.replace(BETWEEN, '');
  const base64 = (packed.match(BASE64_RUN) ?? []).flatMap((run) => [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), 'base64')));
  const hex = (packed.replace(BETWEEN_BYTES, '').match(HEX_RUN) ?? []).flatMap((run) => [0, 1].map((from) => Buffer.from(run.slice(from), 'hex')));
  return [...base64, ...hex];
}
