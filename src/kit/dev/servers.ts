/**
 * The process beside the app: the development provider, the sample API and the gallery. Its own process, so that
 * who is signed in at the provider stays signed in when the app restarts.
 */
import { foldersOf } from '../folders.ts';
import { loadSite } from '../load-site.ts';
import { apiScope, startApi } from './api.ts';
import { createGallery } from './gallery.ts';
import { startProvider } from './provider.ts';
import { devClient, devPorts } from './settings.ts';

const site = await loadSite(process.argv[2] ?? 'src/site.ts');
const ports = devPorts(process.env);
const app = process.env.BASE_URL ?? `http://localhost:${ports.app}`;
const audience = `http://localhost:${ports.api}`;

const provider = await startProvider({
  port: ports.provider,
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
// The gallery is a nicety: where its port is taken, it stays away.
createGallery({ site, folders: foldersOf() })
  .listen(ports.gallery, 'localhost')
  .on('error', () => {});
process.send?.('ready');
