import type { Audit } from '../log/index.ts';
import type { OperatorNote, Sessions } from '../store/index.ts';

const everyMs = 5_000;

/**
 * Has the log of the running app say what `npm run sessions` has ended elsewhere: once, whichever instance looks first.
 * One command to the store every few seconds; without Redis nobody else can end a session, and none is sent.
 *
 * @returns stops it
 */
export function auditOperatorEndings(
  sessions: Pick<Sessions, 'command' | 'operatorNotes'>,
  audit: Audit,
  pauseMs = everyMs,
): () => Promise<void> {
  if (!sessions.command) return async () => {};
  let looking: Promise<void> | undefined;
  const look = async () => {
    for (const note of await sessions.operatorNotes.take()) tell(note, audit);
  };
  const timer = setInterval(() => {
    // A store that is away has its own line, and the note is still there when it comes back.
    looking ??= look()
      .catch(() => {})
      .finally(() => {
        looking = undefined;
      });
  }, pauseMs).unref();
  return async () => {
    clearInterval(timer);
    // What one has taken, no other instance will say.
    await looking;
  };
}

function tell({ at, endings, sessions }: OperatorNote, audit: Audit): void {
  const about = { reason: 'operator', by: 'npm run sessions', ended_at: new Date(at).toISOString() };
  for (const { iss, sub, session } of endings) audit('session.ended', { iss, sub, session, ...about });
  if (sessions > endings.length) audit('session.ended', { sessions, ...about });
}
