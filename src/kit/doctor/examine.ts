import pino from 'pino';
import { type Config, type ProviderConfig, publicAddresses } from '../config/index.ts';
import { ownSecrets } from '../config/own-settings.ts';
import { trustCas } from '../config/trusted-cas.ts';
import type { LoadedSite } from '../load-site.ts';
import { type Apis, createProvider } from '../provider/index.ts';
import { usesPar } from '../provider/metadata.ts';
import { otherOrigins } from '../provider/providers.ts';
import type { AnySite } from '../site.ts';
import { checkApis } from './api-answers.ts';
import { checkApiRequests, checkApiTokens } from './api-tokens.ts';
import { redirectAddress } from './attempts.ts';
import { betweenProviders } from './between-providers.ts';
import { checkBoundApis, checkBoundTokens } from './bound-tokens.ts';
import { checkClient } from './client.ts';
import { checkDiscovery, checkIssuer, type Metadata } from './discovery.ts';
import { checkEncryption } from './encryption.ts';
import { checkExtraCas } from './extra-cas.ts';
import { type Finding, mask, warning } from './finding.ts';
import { checkKeySet } from './key-set.ts';
import { checkOffers } from './offers.ts';
import { checkOpen } from './open.ts';
import { checkCredentials } from './own-credentials.ts';
import { ownSettings } from './own-settings.ts';
import { checkPostLogout } from './post-logout.ts';
import { checkPublicAddress } from './public-address.ts';
import { checkRedis } from './redis.ts';
import { addressesToRegister, toRegister } from './registration.ts';
import { checkRoutes } from './routes.ts';
import { checkClientSecret, checkSessionSecret, checkSettings, secretsOf } from './settings.ts';
import { checkSignIn } from './sign-in-request.ts';
import { checkSignUp, makesAccounts } from './sign-up.ts';
import { checkSignedAnswers, tryAnswer } from './signed-answers.ts';
import { checkSignedRequests } from './signed-requests.ts';
import { type Subject, strangersTo, subjectsOf } from './subject.ts';
import { checkUsers } from './users.ts';
import { checkWays } from './ways.ts';
import { checkWorkers } from './workers.ts';

/**
 * Looks at everything that these settings lead to: at all providers at once, so that one that is away neither hides the
 * others nor makes anybody wait for it twice. Changes nothing anywhere.
 *
 * @param loaded the site whose own settings are looked at too
 * @param options.open tries the site's `open` as well, which may change something
 */
export async function examine(
  env: NodeJS.ProcessEnv,
  loaded?: LoadedSite,
  { open = false } = {},
): Promise<Finding[]> {
  const { config, apis = new Map(), findings } = checkSettings(env, loaded);
  if (!config) return [...findings, ...beforeAllIsSet(env)];
  const endTrust = trustCas(config.extraCas);
  try {
    return await examineAll(config, loaded, apis, { findings, open });
  } finally {
    endTrust();
  }
}

/** Who registers the app gets a client ID by it, and has none yet: the addresses to register come first. */
function beforeAllIsSet(env: NodeJS.ProcessEnv): Finding[] {
  const { baseUrl, providers } = publicAddresses(env) ?? { baseUrl: '', providers: [] };
  return providers.flatMap(({ name, named }) => {
    const lines = addressesToRegister(baseUrl, { name, named });
    return named ? lines.map((line) => ({ provider: name, ...line })) : lines;
  });
}

async function examineAll(
  config: Config,
  loaded: LoadedSite | undefined,
  apis: Apis,
  { findings, open }: { findings: readonly Finding[]; open: boolean },
): Promise<Finding[]> {
  const site = loaded?.site;
  const subjects = subjectsOf(config);
  const [opened, redis, address, ofApis, ...ofProviders] = await Promise.all([
    checkOpen(site, config, open),
    checkRedis(config),
    checkPublicAddress(config),
    checkApis(config, apis),
    ...subjects.map((subject) => examineProvider(subject, apis)),
  ]);
  const registrations = await Promise.all(
    ofProviders.map(async ({ subject, metadata }) =>
      ofProvider(subject, await toRegister(subject, metadata)),
    ),
  );
  const all = [
    ...findings,
    ...ownSettings(config, site),
    ...opened,
    ...checkSessionSecret(config),
    ...checkExtraCas(config),
    ...betweenProviders(config, site?.texts),
    ...checkRoutes(config, site),
    ...ofProviders.flatMap((one) => linesOf(one, ofProviders, { site, apis })),
    ...checkWorkers(config),
    ...redis,
    ...address,
    ...ofApis,
    ...registrations.flat(),
  ];
  return mask(all, secretsOfAll(config, site));
}

function secretsOfAll(config: Config, site: AnySite | undefined): string[] {
  return [...subjectsOf(config).flatMap(secretsOf), ...ownSecrets(site?.settings, config.own)];
}

interface Examined {
  subject: Subject;
  metadata?: Metadata;
  findings: Finding[];
}

/** All lines about one provider but for what it must know of this app, which comes last. */
function linesOf(
  { subject, metadata, findings }: Examined,
  all: readonly Examined[],
  { site, apis }: { site: AnySite | undefined; apis: Apis },
): Finding[] {
  const elsewhere = all.some((other) => other.metadata && makesAccounts(other.metadata));
  return ofProvider(subject, [
    ...checkClientSecret(subject),
    ...findings,
    ...checkUsers(subject),
    ...checkSignUp(site, metadata, elsewhere),
    ...(metadata ? checkApiTokens(subject, metadata, apis) : []),
    ...checkBoundApis(subject, apis),
  ]);
}

/** Where the settings name providers, each line says of which it is, and calls its settings by their full names. */
function ofProvider({ provider: { name, named, inFull } }: Subject, findings: readonly Finding[]): Finding[] {
  if (!named) return [...findings];
  return findings.map(({ check, state, text, hint }) => ({
    ...{ provider: name, check, state, text: inFull(text) },
    ...(hint !== undefined && { hint: inFull(hint) }),
  }));
}

async function examineProvider(subject: Subject, apis: Apis): Promise<Examined> {
  const own = [...(await checkCredentials(subject.provider)), ...checkWays(subject.provider)];
  const { metadata, findings } = await checkDiscovery(subject);
  const more = metadata ? await examineMetadata(subject, metadata, apis) : [unseen];
  return { subject, ...(metadata && { metadata }), findings: [...own, ...findings, ...more] };
}

const unseen = warning('provider', 'its other checks were skipped.', 'Fix the above, then run this again.');

async function examineMetadata(config: Subject, metadata: Metadata, apis: Apis): Promise<Finding[]> {
  const { finding: keySet, algorithms } = await checkKeySet(metadata, config.provider);
  const offers = [
    keySet,
    ...checkOffers(metadata, config.provider, algorithms),
    ...(await checkSignedRequests(metadata, config.provider)),
    ...checkSignedAnswers(metadata, config.provider),
    ...(await checkEncryption(metadata, config.provider)),
    ...checkBoundTokens(metadata, config.provider),
  ];
  const issuer = await checkMetadata(config, metadata);
  if (issuer.state === 'failed') return [issuer, ...offers, unseen];
  const { finding: client, usable } = await checkClient(config, metadata);
  return [
    issuer,
    ...offers,
    client,
    ...(await checkRequest(config, metadata, usable, apis)),
    ...(await checkPostLogout(config, metadata)),
  ];
}

async function checkMetadata(config: Subject, metadata: Metadata): Promise<Finding> {
  const provider = createProvider(config.provider, {
    redirectUri: redirectAddress(config),
    otherOrigins: otherOrigins(config.provider, config.providers),
    log: pino({ level: 'silent' }),
    audit: () => {},
  });
  try {
    return await checkIssuer(provider, metadata, strangersTo(config));
  } finally {
    await provider.close();
  }
}

/** @param usable the settings by which the provider knows the app; undefined when it does not */
async function checkRequest(
  config: Subject,
  metadata: Metadata,
  usable: ProviderConfig | undefined,
  apis: Apis,
): Promise<Finding[]> {
  // The same refusal again would read as another fault.
  if (!usable && usesPar(metadata, config.provider)) {
    return [
      warning(
        'sign-in request',
        'was not tried: with PAR, this app must authenticate first.',
        'Fix the client authentication, then run this again.',
      ),
    ];
  }
  const settings = usable ?? config.provider;
  const found = await checkSignIn(config, settings);
  if (found.some(({ state }) => state === 'failed')) return found;
  return [
    ...found,
    ...(await tryAnswer(config, settings)),
    ...(await checkApiRequests(config, settings, apis)),
  ];
}
