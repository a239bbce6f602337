import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';

/** A client that does not come back by itself, unless the options say so. */
export function socketIoClient(origin: string, options: Partial<ManagerOptions & SocketOptions> = {}): Socket {
  return io(origin, { transports: ['websocket'], reconnection: false, forceNew: true, timeout: 5000, ...options });
}

/** Rejects with what the handshake was refused with. */
export function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve).once('connect_error', (error: Error & { data?: unknown }) => reject(Object.assign(error, error.data)));
  });
}
