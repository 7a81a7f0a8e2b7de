import { createHash } from 'node:crypto';
import { TokenProblem } from './api-problems.ts';
import { proofOf } from './dpop-proof.ts';

/** What comes with a request that is about its token. */
export interface Presented {
  authorization: string | undefined;
  /** The DPoP header (RFC 9449). */
  proof: string | undefined;
  method: string;
  url: URL;
}

/**
 * A token bound to a key is worth nothing without the proof of that key, whatever scheme it comes with.
 *
 * @param jkt the thumbprint of the key that the token is bound to, if it is
 */
export async function checkProof(
  scheme: string,
  token: string,
  jkt: string | undefined,
  { proof, ...request }: Omit<Presented, 'authorization'>,
): Promise<void> {
  if (!jkt && scheme === 'Bearer') return;
  if (!jkt || !proof || scheme !== 'DPoP') {
    const sentence = 'The token and its DPoP proof do not belong together';
    throw new TokenProblem(401, scheme, 'invalid_token', sentence);
  }
  const proven = await proofOf(proof, request);
  const ath = createHash('sha256').update(token).digest('base64url');
  if (proven?.jkt !== jkt || proven.ath !== ath) {
    throw new TokenProblem(401, scheme, 'invalid_dpop_proof', 'The DPoP proof is not for this request');
  }
}
