import { collectYoungGarbage } from '../garbage.ts';
import { createMeter } from '../meter.ts';
import type { Slice } from '../rounds.ts';
import type { Attempt, Presenter, TokenBytes, ValidationCandidate } from './candidate.ts';
import { candidates } from './candidates/index.ts';
import type { Answer, Assignment } from './contender.ts';
import type { TokenPool } from './tokens.ts';

// The process of one candidate: it measures a slice each time that the parent process asks.

/** Few enough tokens that they are still in the processor's caches when their turn comes, as those of a request just read are. */
const BATCH_SIZE = 128;
/** Validations before those that are measured: at first, the processor's caches hold what another process needed. */
const WARM_UP = 128;
/** Validations between two collections of garbage, and what one costs is spread over them. V8 collects about as often by itself: after 16 MB. */
const COLLECTED_AFTER = 4096;

let runSlice: (() => Promise<Slice>) | undefined;

process.on('message', (message: Assignment | 'slice') => {
  answerTo(message).then(
    (answer) => process.send!(answer),
    (error: Error) => process.send!({ failure: error.message } satisfies Answer),
  );
});

async function answerTo(message: Assignment | 'slice'): Promise<Answer> {
  if (message === 'slice') return runSlice!();
  const candidate = candidates.find(({ name }) => name === message.name)!;
  const present = await candidate.prepare(message.pool.setting);
  await assertCorrect(candidate, present, message.pool);
  runSlice = sliceRunner(candidate, present, message);
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

function sliceRunner({ inFlight }: ValidationCandidate, present: Presenter, { pool, sliceSize, tokens }: Assignment): () => Promise<Slice> {
  const supply = pool.tokens.slice(0, tokens);
  let at = 0;
  let sinceCollected = 0;
  let collection: Slice = { cpuMicroseconds: 0, wallMicroseconds: 0 };

  function nextToken(): TokenBytes {
    at = (at + 1) % supply.length;
    return supply[at]!;
  }

  function collect(): void {
    const meter = createMeter();
    meter.start();
    collectYoungGarbage();
    meter.stop();
    collection = meter.per(sinceCollected);
    sinceCollected = 0;
  }

  return async () => {
    await workThrough(Array.from({ length: WARM_UP }, () => present(nextToken())));
    const meter = createMeter();
    for (let left = sliceSize; left > 0; left -= BATCH_SIZE) {
      const attempts = Array.from({ length: Math.min(left, BATCH_SIZE) }, () => present(nextToken()));
      meter.start();
      await Promise.all(Array.from({ length: inFlight }, () => workThrough(attempts)));
      meter.stop();
    }
    sinceCollected += WARM_UP + sliceSize;
    if (sinceCollected >= COLLECTED_AFTER) collect();
    const { cpuMicroseconds, wallMicroseconds } = meter.per(sliceSize);
    return {
      cpuMicroseconds: cpuMicroseconds + collection.cpuMicroseconds,
      wallMicroseconds: wallMicroseconds + collection.wallMicroseconds,
    };
  };
}

/** Takes one attempt after another. Several workers may share the attempts. */
async function workThrough(attempts: Attempt[]): Promise<void> {
  for (let attempt = attempts.pop(); attempt; attempt = attempts.pop()) {
    const answer = attempt();
    if ((answer instanceof Promise ? await answer : answer) === false) throw new Error('a valid token was refused while measuring');
  }
}
