import { expect, test } from 'vitest';
import { crossSiteAnswer, jsonAnswer, noSessionAnswer, notFoundAnswer, problemAnswer, unavailableAnswer } from './answers.js';
import { page, redirect } from './pages.js';

const PLANTED = {
  setCookies: ['__Host-session=planted'],
  headers: { location: 'https://planted.example' },
  error: 'planted',
  reason: 'planted',
  link: { href: 'https://planted.example', text: 'planted' },
};

test('a polluted prototype adds nothing to an answer: no cookie, no header, no link', async () => {
  // oxlint-disable-next-line no-extend-native -- the pollution under test
  for (const [name, value] of Object.entries(PLANTED)) Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
  const answers = [
    jsonAnswer({}),
    crossSiteAnswer(),
    unavailableAnswer(),
    noSessionAnswer(),
    notFoundAnswer(),
    problemAnswer({ status: 400, detail: 'x' }),
    page({ status: 400, title: 'a', text: 'b' }),
    redirect('https://login.example.com/', []),
  ];
  for (const name of Object.keys(PLANTED)) Reflect.deleteProperty(Object.prototype, name);
  const texts = await Promise.all(answers.map(async (answer) => `${await answer.text()} ${JSON.stringify([...answer.headers])}`));
  expect(texts.filter((text) => text.includes('planted'))).toEqual([]);
});
