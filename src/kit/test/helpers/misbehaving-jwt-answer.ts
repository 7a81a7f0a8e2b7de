import { signToken } from './misbehaving-keys.ts';
import type { JwtLies, Parameter } from './misbehaving-replies.ts';
import type { ProviderState } from './misbehaving-state.ts';

/** How long an honest answer is valid, in seconds (JARM §2.1: ten minutes at most). */
const lifetime = 300;

/** The parameters of an answer as one signed JWT (JARM §2.1), with what is wrong with it. */
export async function inJwt(
  parameters: Record<string, unknown>,
  state: ProviderState,
): Promise<[name: string, value: Parameter][]> {
  const { origin, profile, clientId, clockAhead, lies, alg, noKid } = state;
  const { claims, header, sign = alg, as = (honest: string) => honest, beside = {} } = lies.jwt ?? {};
  const honest: Record<string, unknown> = {
    ...parameters,
    iss: origin + profile.issuerPath,
    aud: clientId,
    exp: Math.floor(Date.now() / 1000) + clockAhead + lifetime,
  };
  const response = await signToken(
    { ...honest, ...(typeof claims === 'function' ? claims() : claims) },
    { ...state, signing: sign, header: { ...(noKid && { kid: undefined }), ...header } },
  );
  const [, payload = '', signature] = response.split('.');
  state.secrets.push(payload, ...(signature ? [signature] : []));
  return [['response', await as(response)], ...placedBeside(beside, honest)];
}

function placedBeside(
  beside: NonNullable<JwtLies['beside']>,
  honest: Record<string, unknown>,
): [string, Parameter][] {
  return Object.entries(beside).map(([name, value]) => [
    name,
    typeof value === 'function' ? value(String(honest[name])) : value,
  ]);
}
