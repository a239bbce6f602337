import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { misuse } from '../lib/configuration-error.js';
import type { Deny } from '../decision/decision.js';
import { problemHeaders } from './node-http.js';

/**
 * Answers a refused `upgrade` of `node:http` on its socket, with the challenge and the body of a refusal, and closes the socket.
 *
 * @throws ConfigurationError if the decision is not a refusal, after it has closed the socket
 *
 * @example
 * const decision = await guard.check(req, scope('feed'));
 * if (decision.outcome === 'deny') return refuseUpgrade(socket, decision);
 */
export function refuseUpgrade(socket: Duplex, decision: Deny): void {
  if (decision?.outcome !== 'deny') {
    // nobody else will answer
    socket.destroy();
    throw misuse('refuseUpgrade(socket, decision)', 'got no refusal. Check decision.outcome first');
  }
  if (socket.destroyed || socket.writableEnded) return;
  const body = JSON.stringify(decision.body);
  const fields = Object.entries({ ...problemHeaders(decision), connection: 'close', 'content-length': String(Buffer.byteLength(body)) });
  const lines = fields.flatMap(([name, value]) => [value].flat().map((line) => `${name}: ${line}`));
  // a client that resets the connection must not end the process
  socket.on('error', () => socket.destroy());
  socket.once('finish', () => socket.destroy());
  socket.end([`HTTP/1.1 ${decision.status} ${STATUS_CODES[decision.status]}`, ...lines, '', body].join('\r\n'));
}
