import type { Text } from '../errors/texts.ts';
import type { Providers } from '../provider/providers.ts';

/** Says to a person at which provider they would have to sign in. */
export function neededProvider(names: readonly string[], providers: Providers): Text {
  const labels = names.map((name) => providers.named(name)?.label ?? name);
  return labels.length === 1
    ? { key: 'error.needed.provider', values: { provider: labels.join() } }
    : { key: 'error.needed.one-of-providers', values: { providers: labels } };
}
