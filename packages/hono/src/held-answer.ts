import type { ServerResponse } from 'node:http';
import type { Decision, Deny } from '@tokenward/core';
import { answerAlone, closeGate, isAnswered, sendDenial } from '@tokenward/core/adapter';

/**
 * Holds back what is answered until the caller of a guard waits for its result. A caller that forgot `await` never does: then a refusal is sent instead of
 * its answer.
 *
 * @param result what the caller gets. To wait for it opens the response.
 * @returns `result` itself
 */
export function holdAnswer(result: Promise<void>, decision: Decision | Promise<Decision>, outgoing: ServerResponse): Promise<void> {
  const gate = closeGate(outgoing);
  let state: 'held' | 'awaited' | 'careless' = 'held';

  function wait(...handlers: Parameters<typeof result.then>): Promise<unknown> {
    if (state === 'held') {
      state = 'awaited';
      gate.open();
    }
    return Promise.prototype.then.apply(result, handlers);
  }

  async function answerCareless(): Promise<void> {
    const settled = await Promise.resolve(decision).catch(() => undefined);
    // the caller may wait for something else first
    await new Promise(setImmediate);
    if (state !== 'held') return;
    state = 'careless';
    if (settled?.outcome === 'allow') gate.open();
    else await answerAlone(gate, (pass) => (isAnswered(outgoing) ? undefined : refuse(pass, settled)));
  }

  void answerCareless().catch(() => outgoing.destroy());
  // without a `constructor`, `await` calls `then`, as it does for any other thenable
  return Object.defineProperties(result, { then: { value: wait }, constructor: { value: undefined } });
}

/** Without a decision, there is nothing to say but that it failed. */
function refuse(response: ServerResponse, decision: Deny | undefined): void {
  if (decision) sendDenial(response, decision);
  else response.writeHead(500).end();
}
