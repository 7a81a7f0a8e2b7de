import type { IncomingMessage } from 'node:http';

/** The library reads challenges in time that grows with the square of their length (R23); real ones are short. */
const longestChallenges = 2_000;

/** Those of an answer whose body has been unpacked; what they said of the packed one is of no use any more. */
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
