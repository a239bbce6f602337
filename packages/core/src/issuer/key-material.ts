import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';

/** How keys begin that are written down: PEM, OpenSSH (RFC 4253 s6.6: its name stands behind its length), RFC 4716, PuTTY. */
const KEY_TEXT = /^.?(?:-----BEGIN |---- BEGIN |ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-|openssh-key-v1|PuTTY-User-Key-File)/;
/** White space, byte order marks of any encoding, zeros: what some readers pass over before they see a key. */
const NO_PRINT = /^[^!-~]+/;
const HEX = /^(?:[0-9A-Fa-f]{2})+$/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
/** A key in hex in base64, say: what a deployment's files and variables are wrapped into. */
const MOST_WRAPPINGS = 4;

/** Whether bytes are a key in some form that it is stored or published in, so that others may know it: never a secret to share. */
export function isKeyMaterial(bytes: Buffer, wrappings = 0): boolean {
  const text = bytes.toString('utf8').replaceAll('\0', '').replace(NO_PRINT, '');
  if (KEY_TEXT.test(text) || isJson(text) || isDer(bytes)) return true;
  if (wrappings === MOST_WRAPPINGS) return false;
  // the middle of a PEM, or of an OpenSSH line, without what stands around it
  const packed = text.replaceAll(/\s/g, '');
  return (
    (HEX.test(packed) && isKeyMaterial(Buffer.from(packed, 'hex'), wrappings + 1)) ||
    (BASE64.test(packed) && isKeyMaterial(Buffer.from(packed, 'base64'), wrappings + 1))
  );
}

/** A JWK or JWKS. A secret made by chance may begin with a brace, too, but is no JSON. */
function isJson(text: string): boolean {
  if (!/^[[{]/.test(text)) return false;
  try {
    return JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
}

function isDer(bytes: Buffer): boolean {
  const key = bytes.subarray(bytes.length - bytes.toString('latin1').replace(/^(?:\u00ef\u00bb\u00bf|\s)+/, '').length);
  if (key[0] !== 0x30) return false;
  return [
    () => createPublicKey({ key, format: 'der', type: 'spki' }),
    () => createPublicKey({ key, format: 'der', type: 'pkcs1' }),
    () => new X509Certificate(key),
    () => createPrivateKey({ key, format: 'der', type: 'pkcs8' }),
    () => createPrivateKey({ key, format: 'der', type: 'pkcs1' }),
    () => createPrivateKey({ key, format: 'der', type: 'sec1' }),
  ].some(succeeds);
}

function succeeds(parse: () => unknown): boolean {
  try {
    return parse() !== undefined;
  } catch {
    return false;
  }
}
