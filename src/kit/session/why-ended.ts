import type { Request } from 'express';
import type { EndReason } from '../errors/end-reasons.ts';
import { endedText } from '../errors/ended-text.ts';
import type { Text } from '../errors/texts.ts';
import { lastChosen } from './chosen-provider.ts';
import { authOf } from './context.ts';

/** Why a session is no longer there. */
interface Ended {
  reason: EndReason;
  /** What people call the provider that it came from, where that is known. */
  provider: string | undefined;
  /** For the person it belonged to. */
  text: Text;
}

/** Why the session that this browser had is gone, by this request or before; undefined where it had none. */
export async function whyEnded(req: Request): Promise<Ended | undefined> {
  const { context, formerSession, left } = authOf(req);
  const id = formerSession ?? left?.id;
  if (id === undefined) return undefined;
  const reason = (await context.sessions.whyEnded(id)) ?? 'idle';
  // Where there are several, the session came from the one that was used last in this browser. What a provider is called
  // that is gone, nobody knows any more.
  const lastUsed =
    reason === 'provider-changed' ? undefined : (context.providers.only ?? lastChosen(req, context));
  const provider = lastUsed?.label;
  return { reason, provider, text: endedText(reason, context, provider) };
}
