import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { TokenProblem } from './api-problems.ts';
import { checkProof, type Presented } from './api-proof.ts';
import { signatures } from './provider-config.ts';

export interface AccessToken {
  sub: string;
  scopes: string[];
  /** Until when it is good, in milliseconds. */
  endsAt: number;
  /** How and when its user signed in, where it says so (RFC 9470 §6). */
  acr: string | undefined;
  authTime: number | undefined;
}

export interface VerifierOptions {
  issuer: string;
  audience: string;
  /** How far the clocks of the provider and of this API may be apart. Default: 5 minutes, as in ASP.NET Core. */
  clockSkewSeconds?: number | undefined;
}

/**
 * Checks an access token as ASP.NET Core's AddJwtBearer does with Authority and Audience: signature by the provider's
 * keys, algorithm, lifetime, audience, issuer. Then what RFC 9068 §4 wants besides (typ, sub, client_id), and its DPoP
 * binding.
 */
export function createTokenVerifier({ issuer, audience, clockSkewSeconds = 300 }: VerifierOptions) {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined;

  return async ({ authorization, ...presented }: Presented): Promise<AccessToken> => {
    const [, given = '', token = ''] = /^(Bearer|DPoP) +(.*\S)/i.exec(authorization ?? '') ?? [];
    // No header, another scheme, or a scheme without a token: nobody tried to sign in.
    if (!token) throw new TokenProblem(401, 'Bearer');
    const scheme = given.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer';
    keys ??= createRemoteJWKSet(await findKeys(issuer));
    const { payload } = await jwtVerify(token, keys, {
      ...{ issuer, audience, clockTolerance: clockSkewSeconds, typ: 'at+jwt' },
      // Named, so that no token chooses its own algorithm; never none, never HS*.
      algorithms: signatures,
      requiredClaims: ['exp', 'iat', 'sub', 'client_id'],
    }).catch((error) => refuse(scheme, error));
    await checkProof(scheme, token, (payload.cnf as { jkt?: string } | undefined)?.jkt, presented);
    return read(payload, clockSkewSeconds);
  };
}

function read(
  { sub = '', scope, exp = 0, acr, auth_time }: JWTPayload,
  clockSkewSeconds: number,
): AccessToken {
  return {
    sub,
    scopes: typeof scope === 'string' ? scope.split(' ') : [],
    endsAt: (exp + clockSkewSeconds) * 1_000,
    acr: typeof acr === 'string' ? acr : undefined,
    authTime: typeof auth_time === 'number' ? auth_time : undefined,
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

function refuse(scheme: string, error: unknown): never {
  const unreachable = error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError);
  if (unreachable || error.code === 'ERR_JOSE_GENERIC') throw error;
  throw new TokenProblem(401, scheme, 'invalid_token', describe(error));
}

/** In the words of AddJwtBearer, which has none for what is no JWT, has another type, or lacks a claim. */
function describe(error: errors.JOSEError): string {
  if (error instanceof errors.JWKSNoMatchingKey) return 'The signature key was not found';
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported
  )
    return 'The signature is invalid';
  if (!(error instanceof errors.JWTExpired) && !(error instanceof errors.JWTClaimValidationFailed)) return '';
  const { claim, payload } = error;
  if (claim === 'aud') return `The audience '${[payload.aud ?? 'empty'].flat().join(', ')}' is invalid`;
  if (claim === 'iss') return `The issuer '${payload.iss ?? '(null)'}' is invalid`;
  if (claim === 'nbf') return `The token is not valid before '${dotNetTime(payload.nbf)}'`;
  if (claim !== 'exp') return '';
  return payload.exp === undefined
    ? 'The token has no expiration'
    : `The token expired at '${dotNetTime(payload.exp)}'`;
}

/** As .NET prints it in no language: 11/25/2026 14:00:00. */
function dotNetTime(seconds: unknown): string {
  const time = new Date(Number(seconds) * 1_000);
  if (Number.isNaN(time.getTime())) return '(null)';
  const [date = '', clock = ''] = time.toISOString().split('T');
  const [year, month, day] = date.split('-');
  return `${month}/${day}/${year} ${clock.slice(0, 8)}`;
}
