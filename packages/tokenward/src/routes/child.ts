import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { isError } from '@tokenward/core/store';
import { exceptedRoutes, listRoutes } from '@tokenward/testing/routes';
import type { Answer, Question } from './ask-child.js';
import { findApp } from './find-app.js';
import { IF_IT_CONNECTS, loadFailure } from './load-failure.js';
import { listenOnLoopbackOnly } from './loopback-only.js';

// The process that loads an app. The parent ends it once it has answered.
listenOnLoopbackOnly();
process.once('message', (question: Question) => {
  // the app may replace these functions
  const send = process.send!.bind(process);
  // an app that closes the channel would leave no way to answer
  process.disconnect = () => {};
  const outputs = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write.bind(stream) }));
  const answered = async (found: Answer): Promise<void> => {
    const open = outputs.filter(({ stream }) => stream.writable);
    await Promise.all(open.map(({ write }) => new Promise<unknown>((resolve) => write('', undefined, resolve))));
    send({ to: question.id, answer: found });
  };
  // nothing is left that could settle what the app waits for
  process.once('beforeExit', () => void answered({ failure: 'could not run', message: `${question.shownFile} never finishes loading. ${IF_IT_CONNECTS}` }));
  void answer(question).then(answered);
});

async function answer({ file, shownFile, exportName, except }: Omit<Question, 'id'>): Promise<Answer> {
  let app: object;
  try {
    const found = await findApp((await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>, exportName);
    if (typeof found === 'string') return { failure: 'used wrongly', message: `${shownFile} ${found}` };
    app = found;
  } catch (error) {
    // for the person who runs the command: it is the error of their own app
    process.stderr.write(`${inspect(error)}\n`);
    return { failure: 'could not run', message: loadFailure(shownFile, error) };
  }
  try {
    const routes = await listRoutes(app);
    const excepted = exceptedRoutes(except, routes);
    return { routes, excepted: routes.flatMap((route, at) => (excepted.has(route) ? [at] : [])) };
  } catch (error) {
    const isMisuse = isError(error) && (error as { readonly code?: unknown }).code === 'TOKENWARD_CONFIGURATION';
    if (isMisuse) return { failure: 'used wrongly', message: error.message.replace('tokenward: ', '') };
    process.stderr.write(`${inspect(error)}\n`);
    return { failure: 'could not run', message: 'the routes could not be listed. The error is above' };
  }
}
