import type { JwtLies } from './misbehaving-replies.ts';
import type { Case } from './misbehaving-sign-in.ts';

/** What is wrong with an answer that is a signed JWT, or more than that. */
interface JwtCase extends Omit<Case, 'lies'> {
  jwt: JwtLies | Extract<Case['lies'], (...args: never[]) => unknown>;
}

/** Cases of OIDC_RESPONSE_MODE=jwt. The code of none is ever sent. */
export function inJwtMode(cases: JwtCase[]): Case[] {
  return cases.map(({ jwt, env, ...each }) => ({
    ...each,
    lies: typeof jwt === 'function' ? jwt : { jwt },
    env: { OIDC_RESPONSE_MODE: 'jwt', ...env },
    codeStays: true,
  }));
}
