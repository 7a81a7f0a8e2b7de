import type { DevPorts } from './ports.ts';
import { capitalised, namesIn, startedProviders } from './providers.ts';
import { unusedSettings } from './settings.ts';

/** What `npm run dev` says first: where to go, and who can sign in. */
export function announcement(env: NodeJS.ProcessEnv, ports: DevPorts): string[] {
  const started = startedProviders(env);
  const unused = unusedSettings(env);
  return [
    `The app     ${env.BASE_URL || `http://localhost:${ports.app}`}`,
    ...providerLines(env, ports),
    ...(started.length > 0
      ? [`Gallery     http://localhost:${ports.gallery}/dev/gallery (the kit's pages in every state)`]
      : []),
    ...(unused.length > 0
      ? [`Not used    ${unused.join(', ')}: set OIDC_ISSUER for a provider of your own`]
      : []),
    ...(startsBoth(env) ? ['If your app has one provider only: OIDC_PROVIDERS=work npm run dev'] : []),
    'The app restarts when a file changes; sessions stay. Ctrl-C ends everything.',
  ];
}

/** For a site whose rules do not fit two providers. */
export const aboutOneProvider =
  'npm run dev starts two providers, work and social. If your app has one only: OIDC_PROVIDERS=work npm run dev, or put OIDC_PROVIDERS=work into .env.';

/** Whether there are two because nobody said otherwise. */
export function startsBoth(env: NodeJS.ProcessEnv): boolean {
  return !env.OIDC_PROVIDERS && startedProviders(env).length > 1;
}

function providerLines(env: NodeJS.ProcessEnv, ports: DevPorts): string[] {
  if (env.OIDC_ISSUER) return [`Provider    ${env.OIDC_ISSUER} (from your settings)`];
  const started = startedProviders(env);
  return namesIn(env).map((name) => {
    const provider = started.find((each) => each.name === name);
    const about = provider
      ? `http://localhost:${ports[provider.kind]} (${provider.people})`
      : aboutOwn(env[`OIDC_${name.toUpperCase()}_ISSUER`]);
    return `${capitalised(name).padEnd(11)} ${about}`;
  });
}

function aboutOwn(issuer: string | undefined): string {
  return issuer ? `${issuer} (from your settings)` : 'no issuer in your settings';
}
