import type { ProviderConfig } from '../config/index.ts';
import { usesPar } from '../provider/metadata.ts';
import { exchangeCode, type Outcome, push } from './attempts.ts';
import { judge, speaksOfCode, type Verdict } from './client-answer.ts';
import type { Metadata } from './discovery.ts';
import type { Subject } from './subject.ts';

/** How sure it is that the provider takes the assertion. */
interface Trial {
  settings: ProviderConfig;
  verdict: Verdict;
  /** It was taken at the pushed request, or the answer speaks of the code. */
  sure: boolean;
  outcome: Outcome;
}

/**
 * Providers differ in whom a client assertion must be for, and in which type it must have; and some refuse a wrong one
 * with the very error of a code that they do not know. So the pushed request is asked first, where there is one, and
 * then the words of the answers are compared.
 */
export async function tryAssertion(
  config: Subject,
  settings: ProviderConfig,
  metadata: Metadata,
): Promise<Trial> {
  const pushed = usesPar(metadata, settings) ? await push(config, settings) : undefined;
  if (pushed && judge(pushed, settings) === 'refused') {
    return { settings, outcome: pushed, verdict: 'refused', sure: true };
  }
  const outcome = await exchangeCode(config, settings, metadata);
  const verdict = judge(outcome, settings);
  const sure = verdict === 'known' && (pushed?.state === 'passed' || speaksOfCode(outcome));
  return { settings, outcome, verdict, sure };
}

/** The pair of audience and type that the provider takes, where it is another than the one in the settings. */
export async function findPair(
  config: Subject,
  metadata: Metadata,
  first: Trial,
): Promise<ProviderConfig | undefined> {
  if (first.verdict === 'known' && first.sure) return undefined;
  if (!/^(known|refused|unclear)$/.test(first.verdict)) return undefined;
  let likely: ProviderConfig | undefined;
  for (const clientAssertionTyp of [undefined, 'client-authentication+jwt', 'JWT'] as const) {
    for (const clientAssertionAudience of ['issuer', 'token_endpoint'] as const) {
      const settings = { ...config.provider, clientAssertionAudience, clientAssertionTyp };
      if (isSame(settings, config.provider)) continue;
      const { verdict, sure } = await tryAssertion(config, settings, metadata);
      if (verdict !== 'known') continue;
      if (sure) return settings;
      // Without a word about the code it counts only where the pair in the settings was refused.
      if (first.verdict !== 'known') likely ??= settings;
    }
  }
  return likely;
}

/** `OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint`, and so on: what is to be changed. */
export function pairSettings(found: ProviderConfig, { provider }: Subject): string {
  const changes = [
    found.clientAssertionAudience !== provider.clientAssertionAudience &&
      `OIDC_CLIENT_ASSERTION_AUDIENCE=${found.clientAssertionAudience}`,
    found.clientAssertionTyp !== provider.clientAssertionTyp &&
      `OIDC_CLIENT_ASSERTION_TYP=${found.clientAssertionTyp ?? 'none'}`,
  ];
  return changes.filter(Boolean).join(' and ');
}

function isSame(a: ProviderConfig, b: ProviderConfig): boolean {
  return (
    a.clientAssertionAudience === b.clientAssertionAudience && a.clientAssertionTyp === b.clientAssertionTyp
  );
}
