/**
 * The process beside the app: the development providers that the settings leave to it, and the sample API. Its own process, so
 * that who is signed in at a provider stays signed in when the app restarts.
 */
import { startApi } from './api.ts';
import { devPorts } from './ports.ts';
import { startProvider } from './provider.ts';
import { everySignature } from './provider-config.ts';
import { type DevProvider, startedProviders } from './providers.ts';
import { registration, settingsAt } from './registration.ts';
import { apiAddress, apiScopes } from './settings.ts';

/** What `npm run dev` tells this process, each time that the app has started. */
export interface ServersMessage {
  appName: string;
}

const ports = devPorts(process.env);
const origin = process.env.BASE_URL ?? `http://localhost:${ports.app}`;
const audience = apiAddress(ports);
const scope = Object.values(apiScopes).join(' ');

for (const wanted of startedProviders(process.env)) await start(wanted);
process.send?.('ready');

async function start(wanted: DevProvider): Promise<void> {
  const { kind, label, full } = wanted;
  const settings = () => settingsAt(wanted, process.env, ports);
  const provider = await startProvider({
    port: ports[kind],
    ...{ name: kind, label },
    accounts: wanted.accounts(process.env),
    ...(full && { apis: [{ audience, scope }] }),
    // Those of site.ts: a developer can't register them here.
    anyApi: true,
    algs: [settings()?.idTokenAlg ?? 'RS256'],
    overrides: { enabledJWA: everySignature },
    clients: [await registration(wanted, { name: 'Web app', origin }, settings())],
  });
  // The app reads its keys anew at each start.
  process.on('message', async ({ appName }: ServersMessage) =>
    provider.addClient(await registration(wanted, { name: appName, origin }, settings())),
  );
  if (full) await startApi({ port: ports.api, issuer: provider.issuer, audience });
}
