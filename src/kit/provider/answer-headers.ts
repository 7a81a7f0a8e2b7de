import type { IncomingMessage } from 'node:http';

/** The library's time for challenges grows with the square of their length (R23). Real ones are short. */
const longestChallenges = 2_000;

/** The headers of an answer, without those that describe its body as it was before decompression. */
export function toHeaders({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers();
  const packed = headersDistinct['content-encoding'] !== undefined;
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    if (packed && (name === 'content-encoding' || name === 'content-length')) continue;
    if (name === 'www-authenticate' && values.join().length > longestChallenges) continue;
    for (const value of values) headers.append(name, value);
  }
  return headers;
}
