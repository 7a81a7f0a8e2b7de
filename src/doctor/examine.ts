import pino from 'pino';
import { createProvider } from '../auth/index.ts';
import type { Config } from '../config.ts';
import { checkDiscovery, checkIssuer } from './discovery.ts';
import { type Finding, mask, warning } from './finding.ts';
import { checkOffers } from './offers.ts';
import { checkPublicAddress } from './public-address.ts';
import { checkRedis } from './redis.ts';
import { addressesToRegister, checkClient, checkRedirectAddress } from './registration.ts';
import { checkSecrets, checkSettings, secretsOf } from './settings.ts';

/** Looks at everything that these settings lead to. Changes nothing anywhere. */
export async function examine(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { config, findings } = checkSettings(env);
  if (!config) return findings;
  const parts = await Promise.all([examineProvider(config), checkRedis(config), checkPublicAddress(config)]);
  const all = [...findings, ...checkSecrets(config), ...parts.flat(), ...addressesToRegister(config)];
  return mask(all, secretsOf(config));
}

async function examineProvider(config: Config): Promise<Finding[]> {
  const { metadata, findings } = await checkDiscovery(config);
  const unseen = warning(
    'provider',
    'its other checks were left out.',
    'Fix the above, then run this again.',
  );
  if (!metadata) return [...findings, unseen];
  const offers = checkOffers(metadata, config.provider);
  const provider = createProvider(config.provider, {
    redirectUri: `${config.baseUrl}/auth/callback`,
    log: pino({ level: 'silent' }),
    audit: () => {},
  });
  try {
    const issuer = await checkIssuer(provider);
    if (issuer.state === 'failed') return [...findings, issuer, ...offers, unseen];
    const client = await checkClient(config, provider, metadata);
    return [...findings, issuer, ...offers, client, await checkRedirectAddress(config, provider)];
  } finally {
    await provider.close();
  }
}
