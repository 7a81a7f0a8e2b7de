import type { IncomingMessage } from 'node:http';
import { AuthError } from '../errors/auth-error.ts';
import { toHeaders } from './answer-headers.ts';
import { type ApiFetch, type CallTokens, callApi } from './api.ts';
import type { Challenge } from './api-challenge.ts';
import type { ProviderConnection } from './connection.ts';
import { withoutEcho } from './echoes.ts';
import type { StreamRequest } from './streaming.ts';

export interface StreamedAnswer {
  /** The API's answer, as it comes. Whoever does not read it to its end destroys it. */
  message: IncomingMessage;
  /** What the API says about the access token, where it refuses the call for that. */
  challenge?: Challenge | undefined;
  /** Lets go of an answer that nobody will read. */
  discard: () => void;
}

/**
 * Calls an API as `fetchApi` does, with a body and an answer that stream. A body is sent once, also where the API asks
 * for another proof of the key (RFC 9449 §9).
 *
 * @throws AuthError `api_unreachable`; with `retryAfter` 1 where the same request may be sent again by who sent it
 */
export async function streamApi(
  connection: ProviderConnection,
  tokens: CallTokens,
  url: URL,
  { method, headers, body, signal }: StreamRequest,
): Promise<StreamedAnswer> {
  let message: IncomingMessage | undefined;
  let isSent = false;
  let notAgain: AuthError | undefined;
  const fetch: ApiFetch = async (_address, { headers: withToken }) => {
    if (isSent && body) {
      const hint =
        'the API wants a nonce in the DPoP proof; it is known now, and the request was not sent again';
      notAgain = new AuthError('api_unreachable', { hint, retryAfter: 1 });
      throw notAgain;
    }
    isSent = true;
    message?.destroy();
    message = await connection.openStream(url, { method, headers: withToken, body, signal });
    const status = message.statusCode ?? 502;
    const known = toHeaders(message);
    const challenges = known.get('www-authenticate');
    if (challenges !== null) known.set('www-authenticate', withoutEcho(challenges, [tokens.access_token]));
    return new Response(null, { status, headers: known });
  };
  try {
    const { challenge } = await callApi(connection, tokens, url, { method, headers }, fetch);
    if (!message) throw new Error('the API was not asked');
    const answered = message;
    return { message, challenge, discard: () => void answered.destroy() };
  } catch (error) {
    message?.destroy();
    // The library puts errors of a fetch into errors of its own.
    throw notAgain ?? error;
  }
}
