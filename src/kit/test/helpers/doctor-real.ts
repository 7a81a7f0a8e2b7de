import { loadConfig, type ProviderConfig } from '../../config/index.ts';
import { examine } from '../../doctor/examine.ts';
import { type Finding, mask, toLine } from '../../doctor/finding.ts';
import type { LoadedSite } from '../../load-site.ts';
import { freePort } from '../../testing/processes.ts';
import { type Env, expectMasked, sessionSecret } from './doctor-run.ts';
import {
  clientId,
  clientSecret,
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './identity-provider.ts';

interface Setup extends IdentityProviderOptions {
  env?: Env;
  loaded?: LoadedSite;
  /** Starts a provider of another make. */
  start?: (options: IdentityProviderOptions) => Promise<IdentityProvider>;
}

/** What the doctor says about an app at a real provider, line by line. */
export async function linesAt({
  env,
  loaded,
  start = startIdentityProvider,
  ...options
}: Setup): Promise<string[]> {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const provider = await start({ redirectOrigin: origin, ...options });
  try {
    const found = await examine({ ...settings(provider.issuer), BASE_URL: origin, ...env }, loaded);
    expectMasked(found, [sessionSecret, clientSecret]);
    return found.map(toLine);
  } finally {
    await provider.stop();
  }
}

/** Without the marks around what came from outside. */
export const asPrinted = (found: readonly Finding[]) => mask(found, []).map(toLine);

/** The settings of an app, as they are once they have been read. */
export function providerOf(env: Env, issuer = 'https://login.example.com'): ProviderConfig {
  return loadConfig({ ...settings(issuer), BASE_URL: 'http://localhost:3000', ...env }).providers[0];
}

/** What is printed to be registered, as the JSON that it is. */
export function registered(lines: readonly string[], what: 'key set' | 'client metadata') {
  const start = `✓ register as ${what}: `;
  const found = lines.filter((line) => line.startsWith(start));
  if (found.length !== 1) throw new Error(`there are ${found.length} lines to register the ${what} by`);
  return JSON.parse(found[0]?.slice(start.length) ?? '');
}

/** Only those about some things, such as `signed requests`. */
export function linesAbout(lines: readonly string[], ...checks: string[]): string[] {
  return lines.filter((line) => checks.some((check) => line.slice(2).startsWith(`${check}: `)));
}

export const crosses = (lines: readonly string[]) => lines.filter((line) => line.startsWith('✗'));

function settings(issuer: string): Env {
  return {
    SESSION_SECRET: sessionSecret,
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: clientSecret,
  };
}
