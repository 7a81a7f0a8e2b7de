import type { ProviderConfig } from '../config/index.ts';
import { type SignInOutcome, startSignIn } from './attempts.ts';
import { type Finding, failed } from './finding.ts';
import { listed } from './listed.ts';
import { wordsOf } from './refusal.ts';
import type { Subject } from './subject.ts';

const request = 'sign-in request';

interface Culprit {
  /** As the settings have it. */
  name: string;
  scope?: boolean;
  outcome: SignInOutcome;
}

/** What a request need not have, each as it is without the setting. */
const optional = [
  ['OIDC_PROMPT', 'prompt', undefined],
  ['OIDC_ACR_VALUES', 'acrValues', undefined],
  ['OIDC_MAX_AGE', 'maxAge', undefined],
  ['OIDC_UI_LOCALES', 'uiLocales', undefined],
  ['OIDC_AUTHORIZATION_PARAMETERS', 'authorizationParameters', undefined],
  ['OIDC_AUDIENCE', 'audience', undefined],
  ['OIDC_RESOURCE', 'resource', undefined],
  ['OIDC_RESPONSE_MODE', 'responseMode', 'query'],
] as const;

const mostTried = 30;
const longestMs = 30_000;

/** Asks with `openid` alone and nothing else; where that is taken, adds one by one what the app asks for. */
export async function findCulprits(config: Subject, settings: ProviderConfig) {
  const least = leastOf(settings);
  const leastOutcome = await startSignIn(config, least);
  const culprits: Culprit[] = [];
  if (leastOutcome.state !== 'passed') return { least, leastOutcome, culprits };
  const { offlineAccess } = settings;
  const asked = [...settings.scope.split(' '), ...(offlineAccess === 'always' ? ['offline_access'] : [])];
  const scopes = [...new Set(asked)].filter((name) => name !== 'openid');
  const added = [
    ...scopes.map((name) => ({ name, scope: true, change: scopeOf(name, settings) })),
    ...optional
      .filter(([, key, without]) => settings[key] !== without)
      .map(([name, key]) => ({ name, scope: false, change: { [key]: settings[key] } })),
  ];
  const until = Date.now() + longestMs;
  for (const { name, scope, change } of added.slice(0, mostTried)) {
    const each = await startSignIn(config, { ...least, ...change });
    if (each.state === 'refused') culprits.push({ name, scope, outcome: each });
    if (each.state === 'silent' || Date.now() > until) break;
  }
  return { least, leastOutcome, culprits };
}

/** Signed as the settings say: a provider may demand that, or refuse it whatever is asked for. */
export function leastOf(settings: ProviderConfig): ProviderConfig {
  const nothing = Object.fromEntries(optional.map(([, key, without]) => [key, without]));
  return { ...settings, ...nothing, scope: 'openid', offlineAccess: 'auto' };
}

function scopeOf(name: string, { offlineAccess }: ProviderConfig) {
  return { scope: `openid ${name}`, ...(name === 'offline_access' && { offlineAccess }) };
}

export function blame(culprits: readonly Culprit[], outcome: SignInOutcome): Finding[] {
  const scopes = culprits.filter(({ scope }) => scope).map(({ name }) => name);
  const others = culprits.filter(({ scope }) => !scope).map(({ name }) => name);
  const found: Finding[] = [];
  const words = outcome.description ? outcome : (culprits[0]?.outcome ?? outcome);
  if (scopes.length > 0) {
    const [which, it] = scopes.length === 1 ? ['the scope', 'it'] : ['the scopes', 'them'];
    const offline = scopes.includes('offline_access') ? ' (IdentityServer: AllowOfflineAccess)' : '';
    found.push(
      failed(
        request,
        `the provider refuses ${which} ${listed(scopes)} (${wordsOf(words)}).`,
        `Allow ${it} for this app at the provider${offline}, or remove ${it} from OIDC_SCOPE.`,
      ),
    );
  }
  if (others.length > 0) {
    found.push(
      failed(
        request,
        `the provider refuses what ${listed(others)} asks for (${wordsOf(words)}).`,
        `Compare ${listed(others)} with what the provider offers.`,
      ),
    );
  }
  if (culprits.length === 0) {
    const text = `the provider refuses it (${wordsOf(outcome)}), and accepts each part of it alone.`;
    found.push(
      failed(request, text, 'Compare OIDC_SCOPE, OIDC_RESOURCE and OIDC_PROMPT with what it offers.'),
    );
  }
  return found;
}
