import { createPublicKey, generateKeyPairSync, X509Certificate, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** One way in which a public key is handed about. */
export interface PublicForm {
  readonly form: string;
  readonly bytes: Buffer;
  readonly jwk: Readonly<JsonWebKey>;
}

export function publicForms(): PublicForm[] {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  const ed = generateKeyPairSync('ed25519').publicKey;
  const certificate = readFileSync(new URL('self-signed/cert.pem', import.meta.url));
  const forms: PublicForm[] = [];
  const add = (form: string, key: KeyObject, bytes: string | Buffer): void =>
    void forms.push({ form, bytes: Buffer.from(bytes), jwk: key.export({ format: 'jwk' }) });

  for (const [name, key] of [
    ['RSA', rsa],
    ['EC', ec],
    ['Ed25519', ed],
  ] as const) {
    const pem = key.export({ format: 'pem', type: 'spki' }) as string;
    const der = key.export({ format: 'der', type: 'spki' });
    add(`a PEM (SPKI) of ${name}`, key, pem);
    add(`a PEM (SPKI) of ${name} without its line ends`, key, pem.replaceAll('\n', ''));
    add(`the middle of a PEM of ${name}`, key, der.toString('base64'));
    add(`the middle of a PEM of ${name}, in its lines`, key, pem.split('\n').slice(1, -2).join('\n'));
    add(`a PEM of ${name} in UTF-16`, key, Buffer.from(`\uFEFF${pem}`, 'utf16le'));
    add(`a DER (SPKI) of ${name}`, key, der);
    add(`a JWK of ${name}`, key, JSON.stringify(key.export({ format: 'jwk' })));
    add(`a JWKS of ${name}`, key, JSON.stringify({ keys: [key.export({ format: 'jwk' })] }, undefined, 2));
    add(`an OpenSSH line of ${name}`, key, openSsh(key));
    add(`the middle of an OpenSSH line of ${name}`, key, openSsh(key).split(' ')[1]!);
    add(`the bytes of an OpenSSH key of ${name}`, key, Buffer.from(openSsh(key).split(' ')[1]!, 'base64'));
  }
  add('a PEM (PKCS #1)', rsa, rsa.export({ format: 'pem', type: 'pkcs1' }));
  add('a DER (PKCS #1)', rsa, rsa.export({ format: 'der', type: 'pkcs1' }));
  add('an RFC 4716 key', rsa, `---- BEGIN SSH2 PUBLIC KEY ----\n${openSsh(rsa).split(' ')[1]}\n---- END SSH2 PUBLIC KEY ----\n`);
  const ofCertificate = createPublicKey(certificate);
  add('a certificate (PEM)', ofCertificate, certificate);
  add('a certificate (DER)', ofCertificate, new X509Certificate(certificate).raw);
  return forms;
}

/** RFC 4253 s6.6, RFC 5656 s3.1, RFC 8709 s4. */
function openSsh(key: KeyObject): string {
  const { n, e, x, y } = key.export({ format: 'jwk' });
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
  const number = (text: string): Buffer => (bytes(text)[0]! > 0x7f ? Buffer.concat([Buffer.alloc(1), bytes(text)]) : bytes(text));
  const field = (content: Buffer): Buffer =>
    Buffer.concat([Buffer.from([content.length >> 24, content.length >> 16, content.length >> 8, content.length]), content]);
  const of: readonly [string, ...Buffer[]] =
    key.asymmetricKeyType === 'rsa'
      ? ['ssh-rsa', number(e!), number(n!)]
      : key.asymmetricKeyType === 'ec'
        ? ['ecdsa-sha2-nistp256', Buffer.from('nistp256'), Buffer.concat([Buffer.of(4), bytes(x!), bytes(y!)])]
        : ['ssh-ed25519', bytes(x!)];
  return `${of[0]} ${Buffer.concat(of.map((content) => field(Buffer.from(content as string)))).toString('base64')} somebody@example.test`;
}
