export const TIMEOUT_SECONDS = 5;

/**
 * Waits for a store of the user, but not for ever: it must not hold a request.
 *
 * @param late is called after 5 seconds without an answer. What it returns or throws becomes the result
 */
export async function inTime<T>(answer: T | PromiseLike<T>, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, TIMEOUT_SECONDS * 1000);
  });
  try {
    return await Promise.race([answer, end.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
