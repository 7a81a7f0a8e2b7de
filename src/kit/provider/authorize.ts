import * as oidc from 'openid-client';
import { clientCallError } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import { usesPar } from './metadata.ts';
import { leaveOutLongest } from './parameters.ts';
import { lengthInRequestObject, signable, signedRequest } from './request-object.ts';
import { type AuthorizationRequest, signInParameters } from './sign-in-parameters.ts';

/**
 * Where to send the browser, with the parameters pushed first where the provider offers that (RFC 9126), and signed
 * where the settings say so (RFC 9101).
 *
 * @throws AuthError
 */
export async function authorizationUrl(
  connection: ProviderConnection,
  redirect_uri: string,
  request: AuthorizationRequest,
): Promise<URL> {
  const { settings } = connection;
  const metadata = await connection.discovered.get();
  const parametersWith = signInParameters(request, redirect_uri, { settings, metadata });
  const asked = askedByLink(request, connection);
  const pushed = usesPar(metadata, settings);
  try {
    return await connection.call(async ({ configuration, signingKey }) => {
      const addressWith = async (link: Record<string, string>) => {
        const plain = parametersWith(link);
        const parameters = settings.requestObject
          ? await signedRequest(configuration, plain, { metadata, signingKey, pushed, settings })
          : plain;
        return pushed
          ? oidc.buildAuthorizationUrlWithPAR(configuration, parameters)
          : oidc.buildAuthorizationUrl(configuration, parameters);
      };
      const address = await addressWith(asked);
      if (pushed || address.href.length <= longestAddress || Object.keys(asked).length === 0) return address;
      const space = longestAddress - (await addressWith({})).href.length;
      return addressWith(fitting(asked, space, connection));
    });
  } catch (error) {
    throw clientCallError(error, settings, 'start');
  }
}

/**
 * What a link asks for, as far as the request can carry it. The prompt is not among it: it is put together from several
 * (see `signInParameters`).
 */
function askedByLink(request: AuthorizationRequest, { settings, log }: ProviderConnection) {
  const { prompt: _merged, ...asked } = request.parameters ?? {};
  if (!settings.requestObject) return asked;
  const { kept, left } = signable(asked);
  if (left.length > 0) {
    const hint =
      'a signed request has `claims` as a JSON object, `authorization_details` as a JSON list, and none of iss, sub, aud, exp, nbf, iat and jti';
    log.warn(
      { parameters: left, hint },
      'parameters of a link were left out: a signed request cannot have them',
    );
  }
  return kept;
}

/** Some servers and proxies on the way refuse an address of 2,000 characters or more. */
const longestAddress = 1_999;

/** The link's parameters that the address has space for. Those of the settings are sent whatever their length. */
function fitting(
  asked: Record<string, string>,
  space: number,
  { settings, log }: ProviderConnection,
): Record<string, string> {
  const lengthOf = settings.requestObject
    ? lengthInRequestObject
    : (name: string, value: string) => `&${new URLSearchParams({ [name]: value })}`.length;
  const { kept, left } = leaveOutLongest(asked, space, lengthOf);
  const hint = 'shorten the link to /auth/login, or switch on pushed authorization requests (OIDC_PAR)';
  log.warn(
    { parameters: left, hint },
    'parameters of a link were left out: the address would have been too long',
  );
  return kept;
}
