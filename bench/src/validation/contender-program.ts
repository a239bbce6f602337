import { createMeter } from '../meter.ts';
import type { PairedSlice, Slice } from '../rounds.ts';
import type { Attempt, Presenter, TokenBytes, ValidationCandidate } from './candidate.ts';
import { candidates, floor } from './candidates/index.ts';
import type { Answer, Assignment } from './contender.ts';
import type { TokenPool } from './tokens.ts';

// The process of one candidate and the floor: it runs a turn each time that the parent process asks.

/** Few enough tokens that they are still in the processor's caches when their turn comes, as those of a request just read are. */
const BATCH_SIZE = 128;
/** Slices of the candidate in one turn. */
const TURN = 8;

let runTurn: (() => Promise<PairedSlice[]>) | undefined;

process.on('message', (message: Assignment | 'turn') => {
  answerTo(message).then(
    (answer) => process.send!(answer),
    (error: Error) => process.send!({ failure: error.message } satisfies Answer),
  );
});

async function answerTo(message: Assignment | 'turn'): Promise<Answer> {
  if (message === 'turn') return runTurn!();
  const { pool, sliceSize, floorSliceSize } = message;
  const candidate = candidates.find(({ name }) => name === message.name)!;
  const present = await candidate.prepare(pool.setting);
  await assertCorrect(candidate, present, pool);
  const baseline = sliceRunner(floor, await floor.prepare(pool.setting), pool.tokens, floorSliceSize);
  runTurn = turnRunner(sliceRunner(candidate, present, pool.tokens.slice(0, message.tokens), sliceSize), baseline);
  return 'ready';
}

async function assertCorrect({ name, examines }: ValidationCandidate, present: Presenter, { tokens, refused, setting }: TokenPool): Promise<void> {
  const failed = (what: string) => new Error(`${name} ${what} (${setting.algorithm}), so it cannot be measured`);
  for (const token of tokens.slice(0, 3)) if (!(await accepts(present(token)))) throw failed('refuses a valid token');
  const wrong = { nothing: [], signature: refused.signature, claims: [...refused.signature, ...refused.claims] };
  for (const token of wrong[examines]) {
    if (await accepts(present(token))) throw failed('accepts an invalid token');
  }
}

async function accepts(attempt: Attempt): Promise<boolean> {
  try {
    return (await attempt()) !== false;
  } catch {
    return false;
  }
}

function sliceRunner({ inFlight }: ValidationCandidate, present: Presenter, supply: readonly TokenBytes[], size: number): () => Promise<Slice> {
  let at = 0;
  function nextToken(): TokenBytes {
    at = (at + 1) % supply.length;
    return supply[at]!;
  }
  return async () => {
    const meter = createMeter();
    for (let left = size; left > 0; left -= BATCH_SIZE) {
      const attempts = Array.from({ length: Math.min(left, BATCH_SIZE) }, () => present(nextToken()));
      meter.start();
      await Promise.all(Array.from({ length: inFlight }, () => workThrough(attempts)));
      meter.stop();
    }
    return meter.per(size);
  };
}

function turnRunner(candidate: () => Promise<Slice>, baseline: () => Promise<Slice>): () => Promise<PairedSlice[]> {
  return async () => {
    // these do not count: the processor's caches hold what another process needed
    await candidate();
    await baseline();
    const slices: PairedSlice[] = [];
    let before = await baseline();
    for (let left = TURN; left > 0; left--) {
      const slice = await candidate();
      const after = await baseline();
      slices.push({ before, slice, after });
      before = after;
    }
    return slices;
  };
}

/** Takes one attempt after another. Several workers may share the attempts. */
async function workThrough(attempts: Attempt[]): Promise<void> {
  for (let attempt = attempts.pop(); attempt; attempt = attempts.pop()) {
    const answer = attempt();
    if ((answer instanceof Promise ? await answer : answer) === false) throw new Error('a valid token was refused while measuring');
  }
}
