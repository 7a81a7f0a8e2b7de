import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, createRemoteJWKSet, EmbeddedJWK, errors, jwtVerify } from 'jose';

export interface AccessToken {
  sub: string;
  scopes: string[];
}

/** Why a request is refused, in the words of RFC 6750 §3.1. Without `code` there was no token at all. */
export class TokenProblem extends Error {
  readonly status: 400 | 401 | 403;
  readonly code: string | undefined;
  readonly challenge: string;

  constructor(status: 400 | 401 | 403, code?: string, description = 'a token is needed', more = {}) {
    super(description);
    this.status = status;
    this.code = code;
    const details = code ? Object.entries({ error: code, error_description: description, ...more }) : [];
    this.challenge = ['Bearer realm="notes"', ...details.map(([name, value]) => `${name}="${value}"`)].join(
      ', ',
    );
  }
}

interface Presented {
  authorization: string | undefined;
  /** The DPoP header (RFC 9449). */
  proof: string | undefined;
  method: string;
  url: URL;
}

/** Checks an access token as RFC 9068 §4 says: typ, signature, issuer, audience, expiry; then its DPoP binding. */
export function createTokenVerifier({ issuer, audience }: { issuer: string; audience: string }) {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;

  return async ({ authorization, ...presented }: Presented): Promise<AccessToken> => {
    if (!authorization) throw new TokenProblem(401);
    const [, scheme = '', token] = authorization.match(/^(Bearer|DPoP) ([\w.~+/-]+=*)$/i) ?? [];
    if (!token) throw new TokenProblem(400, 'invalid_request', 'the Authorization header is malformed');
    keys ??= createRemoteJWKSet(await findKeys(issuer));
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      typ: 'at+jwt',
      // Named, so that no token chooses its own algorithm; never none, never HS*.
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
      requiredClaims: ['exp', 'iat', 'sub', 'client_id'],
    }).catch(refuse);
    await checkBinding(scheme, token, (payload.cnf as { jkt?: string } | undefined)?.jkt, presented);
    return { sub: payload.sub ?? '', scopes: String(payload.scope ?? '').split(' ') };
  };
}

async function findKeys(issuer: string): Promise<URL> {
  const answer = await fetch(`${issuer}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(5_000),
  });
  const metadata = (await answer.json()) as { issuer: string; jwks_uri: string };
  if (metadata.issuer !== issuer) throw new Error(`the metadata is of another issuer: ${metadata.issuer}`);
  return new URL(metadata.jwks_uri);
}

function refuse(error: unknown): never {
  const unreachable = error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError);
  if (unreachable || error.code === 'ERR_JOSE_GENERIC') throw error;
  throw new TokenProblem(401, 'invalid_token', `the token is not valid (${error.code})`);
}

/** A token bound to a key is worth nothing without the proof of that key, whatever scheme it comes with. */
async function checkBinding(
  scheme: string,
  token: string,
  jkt: string | undefined,
  { proof, method, url }: Proof,
) {
  if (!jkt && scheme.toLowerCase() === 'bearer') return;
  if (!jkt || !proof || scheme.toLowerCase() !== 'dpop') {
    throw new TokenProblem(401, 'invalid_token', 'the token and its DPoP proof do not belong together');
  }
  const options = {
    typ: 'dpop+jwt',
    maxTokenAge: 60,
    algorithms: ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'],
  };
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, options).catch(refuse);
  const right =
    payload.htm === method &&
    payload.htu === url.origin + url.pathname &&
    payload.ath === createHash('sha256').update(token).digest('base64url') &&
    (await calculateJwkThumbprint(protectedHeader.jwk ?? {})) === jkt;
  if (!right) throw new TokenProblem(401, 'invalid_dpop_proof', 'the DPoP proof is not for this request');
}

type Proof = Omit<Presented, 'authorization'>;
