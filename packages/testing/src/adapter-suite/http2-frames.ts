import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const TIMEOUT_MS = 10_000;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;

/** The statuses that RFC 7541 appendix A encodes in one byte. */
const INDEXED_STATUSES: ReadonlyMap<number | undefined, number> = new Map([[0x88, 200], [0x8c, 400], [0x8d, 404], [0x8e, 500]]); // prettier-ignore

/**
 * Sends a GET request over HTTP/2 with field lines that Node's client would refuse to send (RFC 9113 s4, RFC 7541 s6.2.2). Returns the body, and the
 * status if it is 200, 400, 404 or 500.
 */
export async function sendFrames(
  origin: string,
  path: string,
  lines: readonly (readonly [name: string, value: string])[],
): Promise<{ status: number | undefined; body: string }> {
  const { protocol, host } = new URL(origin);
  const pseudo = [[':method', 'GET'], [':scheme', protocol.slice(0, -1)], [':path', path], [':authority', host]] as const; // prettier-ignore
  const block = [...pseudo, ...lines].map(([name, value]) => Buffer.concat([Buffer.of(0), literal(name), literal(value)]));
  const socket = open(origin);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`GET ${path}: no answer within ${TIMEOUT_MS / 1000} s`)));
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS, 0, 0), frame(HEADERS, END_STREAM | END_HEADERS, 1, ...block)]));
  try {
    let status: number | undefined;
    let body = '';
    for await (const { type, flags, stream, payload } of framesOf(socket)) {
      if (stream !== 1) continue;
      if (type === HEADERS) status = INDEXED_STATUSES.get(payload[0]);
      else if (type === DATA) body += payload.toString();
      else throw new Error(`GET ${path}: got a frame of type ${type} instead of an answer`);
      if (flags & END_STREAM) return { status, body };
    }
    throw new Error(`GET ${path}: the connection ended without an answer`);
  } finally {
    socket.destroy();
  }
}

function open(origin: string): Socket {
  const { protocol, hostname, port } = new URL(origin);
  const address = { port: Number(port), host: hostname };
  return protocol === 'https:' ? connectTls({ ...address, ALPNProtocols: ['h2'], rejectUnauthorized: false }) : connect(address);
}

/** Encodes a string without compression, after its length with a 7-bit prefix (RFC 7541 s5.1, s5.2). */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.of(...length, rest), bytes]);
}

function frame(type: number, flags: number, stream: number, ...payload: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.reduce((sum, { length }) => sum + length, 0), 0, 3); // prettier-ignore
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, ...payload]);
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

async function* framesOf(socket: Socket): AsyncGenerator<Frame> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const end = 9 + bytes.readUIntBE(0, 3);
      yield { type: bytes.readUInt8(3), flags: bytes.readUInt8(4), stream: bytes.readUInt32BE(5), payload: bytes.subarray(9, end) };
      bytes = bytes.subarray(end);
    }
  }
}
