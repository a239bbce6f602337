/** Returns the text of a `GET /me` request. */
export function requestText(port: number, token?: string): string {
  const credentials = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  return `GET /me HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json\r\nUser-Agent: bench\r\n${credentials}\r\n`;
}
