/** The beginning of a PEM block (RFC 7468 s2). */
export const PEM_BEGIN = '-----BEGIN';

/**
 * Words that key formats contain: PEM, RFC 4716, OpenSSH (in its binary form after the length, RFC 4253 s6.6), PuTTY, XML, and OpenSSL's output. A
 * random secret contains none of them.
 */
const KEY_WORDS =
  /-----BEGIN|---- BEGIN |ssh-(?:rsa|dss|ed25519|ed448)|ecdsa-sha2-nistp|sk-(?:ssh|ecdsa)-|openssh-key-v1|PuTTY-User-Key-File|Bag Attributes|RSAKeyValue|<Modulus>|Public-Key: ?\(/;
/** The only member that every JWK has (RFC 7517 s4.1), in JSON, in JSON within a string, in YAML or in code. */
const KTY = /kty\\*["']\s*[:=]|\bkty\s*:|\bkty\s*=\s*["']?(?:RSA|EC|OKP|AKP|oct)\b/;

/**
 * Parts of keys in DER: the object identifiers of algorithms and curves (RSA, EC, EdDSA and X25519, DSA, ML-DSA) with tag and length, and the beginnings
 * of PKCS #1 and SEC 1 keys, which have none. Each is too long to occur in random bytes.
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

/** Files and variables of a deployment may be wrapped several times: hex in base64, for example. */
const MAX_WRAPPINGS = 4;
/** Runs that are long enough for the shortest key. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{32,}/g;
const HEX_RUN = /[0-9A-Fa-f]{48,}/g;
/** Separators within a key that is broken into lines, or written in a string, a URL or a list of bytes. */
const BETWEEN = /\s+|\\/g;
const BETWEEN_BYTES = /0x|[:,]/g;

/**
 * Whether bytes contain a key in a common storage format. Others may know such a key, so it must not be used as a shared secret. The function searches for
 * typical parts instead of parsing. So it also finds a key with text around it, or a part of a key.
 */
export function isKeyMaterial(bytes: Uint8Array, wrappings = 0): boolean {
  // one character for each byte
  const binary = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const plain = unescaped(binary);
  if ([binary, plain, everySecond(plain, 0), everySecond(plain, 1)].some((view) => DER.test(view))) return true;
  // removes the zeros of UTF-16 and UTF-32
  const text = plain.replaceAll('\0', '');
  if (KEY_WORDS.test(text) || KTY.test(text) || isJson(text)) return true;
  return wrappings < MAX_WRAPPINGS && unwrapped(text).some((inner) => isKeyMaterial(inner, wrappings + 1));
}

/** Decodes the escapes of strings in JSON or code, and of URLs. */
function unescaped(text: string): string {
  return text.replace(/(?:\\u00|\\x|%)([0-9A-Fa-f]{2})|\\([bfnrt"\\/])/g, (_escape, hex: string | undefined, letter: string) =>
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

/** Returns every second character: UTF-16 without its zeros. */
function everySecond(text: string, from: number): string {
  return Buffer.from(Buffer.from(text, 'latin1').filter((_byte, at) => at % 2 === from)).toString('latin1');
}

/** Whether a text is JSON: a JWK or JWKS of an unknown kind. A random secret may begin with a brace too, but is not JSON. */
function isJson(text: string): boolean {
  if (!/^[^!-~]*[[{]/.test(text)) return false;
  try {
    return JSON.parse(text.replace(/^[^!-~]+/, '')) !== undefined;
  } catch {
    return false;
  }
}

/** Decodes base64 and hex in a text. It starts at each offset at which a group of characters can begin, since other text may come first. */
function unwrapped(text: string): Buffer[] {
  const packed = text.replace(BETWEEN, '');
  const base64 = (packed.match(BASE64_RUN) ?? []).flatMap((run) => [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), 'base64')));
  const hex = (packed.replace(BETWEEN_BYTES, '').match(HEX_RUN) ?? []).flatMap((run) => [0, 1].map((from) => Buffer.from(run.slice(from), 'hex')));
  return [...base64, ...hex];
}
