import { redirectAddress } from './attempts.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, ok } from './finding.ts';
import { credentialsToRegister } from './own-credentials.ts';
import { keySetToRegister } from './own-keys.ts';
import type { Subject } from './subject.ts';

/** What the provider must know of this app, to copy into its registration. */
export async function toRegister(config: Subject, metadata?: Metadata): Promise<Finding[]> {
  const { baseUrl, provider } = config;
  return [
    ok('register as redirect address', redirectAddress(config)),
    ok('register as post-logout address', `${baseUrl}/signed-out`),
    ok('register as back-channel logout address', `${baseUrl}/auth/backchannel-logout`),
    ok('register as front-channel logout address', `${baseUrl}/auth/frontchannel-logout`),
    ok(
      'front-channel logout',
      'register it so that iss and sid come with each call (frontchannel_logout_session_required): most browsers send no cookie of this app inside a frame of the provider.',
    ),
    ...(await keySetToRegister(provider, metadata)),
    ...(await credentialsToRegister(provider)),
  ];
}
