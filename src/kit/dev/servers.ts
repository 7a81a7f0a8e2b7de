/**
 * The process beside the app: the development providers that its arguments name, and the sample API. Its own process, so
 * that who is signed in at a provider stays signed in when the app restarts.
 */
import type { ClientMetadata } from 'oidc-provider';
import { startApi } from './api.ts';
import { devPorts } from './ports.ts';
import { startProvider } from './provider.ts';
import { tokenExchange } from './provider-exchange.ts';
import { clientAt, type DevProvider, devProvider } from './providers.ts';
import { apiAddress, apiScopes } from './settings.ts';

/** What `npm run dev` tells this process, each time that the app has started. */
export interface ServersMessage {
  appName: string;
}

const ports = devPorts(process.env);
const app = process.env.BASE_URL ?? `http://localhost:${ports.app}`;
const audience = apiAddress(ports);
const scope = Object.values(apiScopes).join(' ');

for (const wanted of process.argv.slice(2).map(devProvider)) {
  if (wanted) await start(wanted);
}
process.send?.('ready');

async function start(wanted: DevProvider): Promise<void> {
  const { name, label, full } = wanted;
  const provider = await startProvider({
    port: ports[name],
    ...{ name, label },
    accounts: wanted.accounts(process.env),
    ...(full && { apis: [{ audience, scope }] }),
    // Those of site.ts: a developer can't register them here.
    anyApi: true,
    clients: [registration(wanted, 'Web app')],
  });
  process.on('message', ({ appName }: ServersMessage) => provider.addClient(registration(wanted, appName)));
  if (full) await startApi({ port: ports.api, issuer: provider.issuer, audience });
}

/** The app's, which differs between the providers in the redirect address only (RFC 9700 §4.4). */
function registration(provider: DevProvider, client_name: string): ClientMetadata {
  const { id, secret } = clientAt(provider);
  return {
    client_id: id,
    client_secret: secret,
    client_name,
    redirect_uris: [`${app}/auth/callback/${provider.name}`],
    post_logout_redirect_uris: [`${app}/signed-out`],
    backchannel_logout_uri: `${app}/auth/backchannel-logout`,
    backchannel_logout_session_required: true,
    frontchannel_logout_uri: `${app}/auth/frontchannel-logout`,
    frontchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token', tokenExchange],
    require_auth_time: true,
  };
}
