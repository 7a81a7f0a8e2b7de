import type { Reply } from './misbehaving-state.ts';

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/** The answer to a token exchange (RFC 8693 §2.2.1), with some members replaced. */
export const exchanged = (json: Record<string, unknown> = {}): Reply => ({
  status: 200,
  json: {
    ...{ access_token: 'an-exchanged-access-token', issued_token_type: accessTokenType },
    ...{ token_type: 'Bearer', expires_in: 3600, ...json },
  },
});

/** Answers to exchanges only, each with a token of its own: `exchanged-token-number-1` first. */
export function exchanging(json?: Record<string, unknown>) {
  let count = 0;
  return ({ grant_type }: Record<string, string>): Reply | undefined =>
    grant_type === tokenExchange
      ? exchanged({ access_token: `exchanged-token-number-${++count}`, ...json })
      : undefined;
}
