import { assertLimit } from './limit.js';

/** The bytes of a body that arrives in pieces. */
export interface CollectedBytes {
  /** Copies a piece. Returns false if there are more bytes than allowed: what was collected before stays. */
  add(piece: Uint8Array): boolean;
  /** Returns all bytes. */
  all(): Uint8Array<ArrayBuffer>;
  /** Returns all bytes as Node's kind. */
  buffer(): Buffer;
}

const FIRST_BYTES = 4096;
/** A gibibyte: no string is as long. */
const MOST_COLLECTED_BYTES = 1_073_741_824;

/**
 * Collects at most `maxBytes`. It copies pieces and keeps none: a sender chooses how small they are, and a list of pieces of one byte needs 200 times the memory of the
 * bytes.
 *
 * @throws ConfigurationError if `maxBytes` is not a whole number from 0 to 1073741824
 */
export function collectBytes(maxBytes: number): CollectedBytes {
  assertLimit('collectBytes(maxBytes)', maxBytes, MOST_COLLECTED_BYTES, 0);
  let bytes = new Uint8Array(Math.min(FIRST_BYTES, maxBytes));
  let length = 0;
  return {
    add(piece) {
      const needed = length + piece.byteLength;
      if (needed > maxBytes) return false;
      if (needed > bytes.byteLength) {
        const larger = new Uint8Array(Math.min(Math.max(2 * bytes.byteLength, needed), maxBytes));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(piece, length);
      length = needed;
      return true;
    },
    all: () => bytes.subarray(0, length),
    buffer: () => Buffer.from(bytes.buffer, 0, length),
  };
}
