import pino from 'pino';
import type { ProviderConfig } from '../config/index.ts';
import { ownSecrets } from '../config/own-settings.ts';
import type { LoadedSite } from '../load-site.ts';
import { createProvider } from '../provider/index.ts';
import type { AnySite } from '../site.ts';
import { offersPar, redirectAddress } from './attempts.ts';
import { checkClient } from './client.ts';
import { checkDiscovery, checkIssuer, type Metadata } from './discovery.ts';
import { type Finding, mask, warning } from './finding.ts';
import { checkKeySet } from './key-set.ts';
import { checkOffers } from './offers.ts';
import { checkCredentials } from './own-credentials.ts';
import { ownSettings } from './own-settings.ts';
import { checkPostLogout } from './post-logout.ts';
import { checkPublicAddress } from './public-address.ts';
import { checkRedis } from './redis.ts';
import { toRegister } from './registration.ts';
import { checkClientSecret, checkSessionSecret, checkSettings, secretsOf } from './settings.ts';
import { checkSignIn } from './sign-in-request.ts';
import { checkSignUp } from './sign-up.ts';
import type { Subject } from './subject.ts';
import { checkWays } from './ways.ts';

/**
 * Looks at everything that these settings lead to. Changes nothing anywhere.
 *
 * @param loaded the site whose own settings are looked at too
 */
export async function examine(env: NodeJS.ProcessEnv, loaded?: LoadedSite): Promise<Finding[]> {
  const { config, findings } = checkSettings(env, loaded);
  const site = loaded?.site;
  if (!config) return findings;
  const subjects = config.providers.map((provider): Subject => ({ ...config, provider }));
  const [redis, address, ...ofProviders] = await Promise.all([
    checkRedis(config),
    checkPublicAddress({ ...config, provider: config.providers[0] }),
    ...subjects.map((subject) => examineOne(subject, site)),
  ]);
  const all = [
    ...findings,
    ...ownSettings(config, site),
    ...checkSessionSecret(config),
    ...ofProviders.flatMap((one) => one.findings),
    ...redis,
    ...address,
    ...ofProviders.flatMap((one) => one.toRegister),
  ];
  return mask(all, [...subjects.flatMap(secretsOf), ...ownSecrets(site?.settings, config.own)]);
}

/** What is found of one provider. Where there are several, each line says of which, and names its settings in full. */
async function examineOne(
  subject: Subject,
  site: AnySite | undefined,
): Promise<{ findings: Finding[]; toRegister: Finding[] }> {
  const { findings, metadata } = await examineProvider(subject);
  const { name, named, inFull } = subject.provider;
  const full = ({ check, state, text, hint }: Finding): Finding => ({
    ...{ check: named ? `${name}: ${check}` : check, state, text: inFull(text) },
    ...(hint !== undefined && { hint: inFull(hint) }),
  });
  return {
    findings: [
      ...checkClientSecret(subject),
      ...(await checkCredentials(subject.provider)),
      ...findings,
      ...checkSignUp(site, metadata),
    ].map(full),
    toRegister: (await toRegister(subject, metadata)).map(full),
  };
}

async function examineProvider(config: Subject): Promise<{ metadata?: Metadata; findings: Finding[] }> {
  const { metadata, findings } = await checkDiscovery(config);
  const more = metadata ? await examineMetadata(config, metadata) : [unseen];
  return { ...(metadata && { metadata }), findings: [...checkWays(config.provider), ...findings, ...more] };
}

const unseen = warning('provider', 'its other checks were left out.', 'Fix the above, then run this again.');

async function examineMetadata(config: Subject, metadata: Metadata): Promise<Finding[]> {
  const { finding: keySet, algorithms } = await checkKeySet(metadata, config.provider);
  const offers = [keySet, ...checkOffers(metadata, config.provider, algorithms)];
  const issuer = await checkMetadata(config, metadata);
  if (issuer.state === 'failed') return [issuer, ...offers, unseen];
  const { finding: client, usable } = await checkClient(config, metadata);
  return [
    issuer,
    ...offers,
    client,
    ...(await checkRequest(config, metadata, usable)),
    ...(await checkPostLogout(config, metadata)),
  ];
}

async function checkMetadata(config: Subject, metadata: Metadata): Promise<Finding> {
  const provider = createProvider(config.provider, {
    redirectUri: redirectAddress(config),
    log: pino({ level: 'silent' }),
    audit: () => {},
  });
  try {
    return await checkIssuer(provider, metadata);
  } finally {
    await provider.close();
  }
}

/** @param usable the settings by which the provider knows the app; undefined when it does not */
async function checkRequest(
  config: Subject,
  metadata: Metadata,
  usable: ProviderConfig | undefined,
): Promise<Finding[]> {
  // The same refusal again would read as another fault.
  if (!usable && offersPar(metadata, config.provider)) {
    return [
      warning(
        'sign-in request',
        'was not tried: with PAR, the provider must first accept who this app is.',
        'Fix the client authentication, then run this again.',
      ),
    ];
  }
  return checkSignIn(config, usable ?? config.provider);
}
