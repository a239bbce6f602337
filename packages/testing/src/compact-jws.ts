/** The content of a segment: text, or bytes for what text cannot express, such as an invalid encoding. */
export type SegmentContent = string | Uint8Array;

/**
 * Builds a compact JWS (RFC 7515 s7.1) from its parts. It checks and completes nothing, so that tests can build tokens that a strict
 * parser must refuse.
 */
export function compactJws(header64: string, payload64: string, sign: (signed: Uint8Array) => Uint8Array): string {
  const signed = `${header64}.${payload64}`;
  return `${signed}.${base64url(sign(Buffer.from(signed, 'utf8')))}`;
}

export function base64url(content: SegmentContent): string {
  return Buffer.from(content as Uint8Array).toString('base64url');
}
