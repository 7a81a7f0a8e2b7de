import { examine } from '../../doctor/examine.ts';
import { type Finding, toLine } from '../../doctor/finding.ts';
import type { LoadedSite } from '../../load-site.ts';
import { freePort } from '../../testing/processes.ts';
import { type Env, expectMasked, type Setup, sessionSecret } from './doctor-run.ts';
import { type MisbehavingProvider, startMisbehavingProvider } from './misbehaving-provider.ts';

/** The names of the two, in the order of OIDC_PROVIDERS. */
export type Pair = Record<'work' | 'social', MisbehavingProvider>;

export interface Setups {
  work?: Pick<Setup, 'lies' | 'op'>;
  social?: Pick<Setup, 'lies' | 'op'>;
  env?: Env;
  /** Runs when both are there. */
  prepare?(pair: Pair): Env | undefined;
  loaded?: LoadedSite;
}

export interface Told {
  found: Finding[];
  lines: string[];
  pair: Pair;
  origin: string;
}

export const secretOf = (name: string) => `secret-of-${name}-9f27c1b4e8d3`;

/** Settings for two providers that lie as told, and what the doctor says of them. */
export async function examineTwo({ work, social, env, prepare, loaded }: Setups = {}): Promise<Told> {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const start = async (name: string, { lies, op }: Pick<Setup, 'lies' | 'op'> = {}) => {
    const provider = await startMisbehavingProvider({
      ...{ appOrigin: origin, callbackPath: `/auth/callback/${name}` },
      ...{ clientId: `app-at-${name}`, clientSecret: secretOf(name), ...op },
    });
    if (lies) provider.next(lies);
    return provider;
  };
  const pair: Pair = { work: await start('work', work), social: await start('social', social) };
  try {
    const settings = { ...settingsOf(pair), BASE_URL: origin, ...env };
    const found = await examine({ ...settings, ...prepare?.(pair) }, loaded);
    const secrets = Object.values(pair).flatMap((each) => [each.clientSecret, ...each.secrets]);
    expectMasked(found, [sessionSecret, ...secrets]);
    return { found, lines: found.map(toLine), pair, origin };
  } finally {
    await Promise.all(Object.values(pair).map((each) => each.stop()));
  }
}

/** What names two providers, and where they are. */
export function settingsOf(
  pair: Record<'work' | 'social', Pick<MisbehavingProvider, 'issuer' | 'clientId' | 'clientSecret'>>,
): Env {
  const { work, social } = pair;
  return {
    SESSION_SECRET: sessionSecret,
    OIDC_PROVIDERS: 'work,social',
    OIDC_WORK_ISSUER: work.issuer,
    OIDC_WORK_CLIENT_ID: work.clientId,
    OIDC_WORK_CLIENT_SECRET: work.clientSecret,
    OIDC_WORK_LABEL: 'Contoso',
    OIDC_WORK_ROLES_CLAIM: 'roles',
    OIDC_SOCIAL_ISSUER: social.issuer,
    OIDC_SOCIAL_CLIENT_ID: social.clientId,
    OIDC_SOCIAL_CLIENT_SECRET: social.clientSecret,
    OIDC_SOCIAL_LABEL: 'Fabrikam',
  };
}
