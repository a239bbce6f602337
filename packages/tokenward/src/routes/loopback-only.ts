import { Server } from 'node:net';

/**
 * Lets servers of this process listen on any free port of loopback only, whatever address they ask for: an app that starts itself when it is loaded must not take
 * the port of the one that runs, nor be reachable from elsewhere.
 */
export function listenOnLoopbackOnly(): void {
  const listen = Server.prototype.listen as (this: Server, ...given: unknown[]) => Server;
  function listenOnLoopback(this: Server, ...given: unknown[]): Server {
    const callback = given.findLast((one) => typeof one === 'function');
    return Reflect.apply(listen, this, [{ port: 0, host: '127.0.0.1' }, ...(callback ? [callback] : [])]);
  }

  Object.assign(Server.prototype, { listen: listenOnLoopback });
}
