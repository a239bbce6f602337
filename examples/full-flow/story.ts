import { DemoError, sentenceOf } from './demo-error.ts';
import type { Screen } from './screen.ts';

export interface Story {
  chapter(title: string): void;
  /**
   * Runs one numbered step: prints what it does and why, then does it.
   *
   * @throws DemoError that names the step, if a check or anything else in it fails
   */
  step<T>(title: string, why: string, run: () => Promise<T>): Promise<T>;
  readonly stepsPassed: number;
}

export function createStory(screen: Screen): Story {
  let number = 0;
  let stepsPassed = 0;
  return {
    chapter: (title) => screen.chapter(title),
    async step(title, why, run) {
      screen.step(++number, title, why);
      try {
        const result = await run();
        stepsPassed++;
        return result;
      } catch (error) {
        throw new DemoError(`Step ${number} failed (${title}): ${sentenceOf(error)}.`);
      }
    },
    get stepsPassed() {
      return stepsPassed;
    },
  };
}
