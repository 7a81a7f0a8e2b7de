/**
 * The process beside the app: the development provider and the sample API. Its own process, so that
 * who is signed in at the provider stays signed in when the app restarts.
 */
import { accountsWithRoles } from './accounts.ts';
import { startApi } from './api.ts';
import { devPorts } from './ports.ts';
import { startProvider } from './provider.ts';
import { apiScope, devClient } from './settings.ts';

const ports = devPorts(process.env);
const app = process.env.BASE_URL ?? `http://localhost:${ports.app}`;
const audience = `http://localhost:${ports.api}`;

const provider = await startProvider({
  port: ports.provider,
  accounts: accountsWithRoles(process.env.DEV_ROLES),
  api: { audience, scope: apiScope },
  clients: [
    {
      client_id: devClient.id,
      client_secret: devClient.secret,
      client_name: 'Web app',
      redirect_uris: [`${app}/auth/callback`],
      post_logout_redirect_uris: [`${app}/signed-out`],
      backchannel_logout_uri: `${app}/auth/backchannel-logout`,
      backchannel_logout_session_required: true,
      frontchannel_logout_uri: `${app}/auth/frontchannel-logout`,
      frontchannel_logout_session_required: true,
      grant_types: ['authorization_code', 'refresh_token'],
      require_auth_time: true,
    },
  ],
});
await startApi({ port: ports.api, issuer: provider.issuer, audience });
process.send?.('ready');
