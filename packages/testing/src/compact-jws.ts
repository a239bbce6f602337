/** What becomes a segment: its text, or its bytes where no text says them (an invalid encoding, say). */
export type SegmentContent = string | Uint8Array;

/**
 * Puts a compact JWS (RFC 7515 s7.1) together from its parts, whatever they hold: nothing is checked, completed or put in order, since
 * what a strict reader must refuse has to be made by a careless writer.
 */
export function compactJws(header64: string, payload64: string, sign: (signed: Uint8Array) => Uint8Array): string {
  const signed = `${header64}.${payload64}`;
  return `${signed}.${base64url(sign(Buffer.from(signed, 'utf8')))}`;
}

export function base64url(content: SegmentContent): string {
  return Buffer.from(content as Uint8Array).toString('base64url');
}
