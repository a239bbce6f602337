/**
 * Returns the body of an answer of the session's routes.
 *
 * @throws Error (the promise rejects) if the body is not JSON. A development server, for example, answers every path with its own page
 */
export async function bodyOf<T>(response: Response): Promise<T> {
  const { ok, status, headers, url } = response;
  const isJson = /json/.test(headers.get('content-type') ?? '');
  if (ok && isJson) return (await response.json()) as T;
  const remedy =
    status === 404 || ok
      ? '. The server of this page must have session.routes() there, with the path and the mode of createSession(), or pass the call on'
      : '';
  throw new Error(`${new URL(url).pathname}: the server answered with status ${status}${isJson ? '' : ', without JSON'}${remedy}`);
}
