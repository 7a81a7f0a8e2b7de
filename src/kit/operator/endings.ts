import type { AuditDetails, AuditEvent } from '../log/index.ts';
import type { OperatorNote, Sessions } from '../store/index.ts';

/** Where more than these have ended, the app's log says how many; the command's own says each. */
const mostNamed = 100;

export type Endings = ReturnType<typeof collectEndings>;

/** Collects what a command ends, for the log of the running app: that of this command is kept by nobody in a container. */
export function collectEndings() {
  const endings: OperatorNote['endings'][number][] = [];
  let sessions = 0;
  return {
    /** Adds to an audit event who caused it, if it was this command. */
    keep(event: AuditEvent, details: AuditDetails): AuditDetails {
      const { iss, sub, session, reason } = details;
      if (event !== 'session.ended' || reason !== 'operator') return details;
      sessions += 1;
      if (sessions <= mostNamed) endings.push({ iss, sub, session });
      return { ...details, by: 'npm run sessions' };
    },

    /** Also after a failure half way. Where the store does not take it, this command's own log has all of it. */
    async leaveIn({ operatorNotes }: Pick<Sessions, 'operatorNotes'>): Promise<void> {
      if (sessions === 0) return;
      const note = { at: Date.now(), sessions, endings: sessions > mostNamed ? [] : endings };
      await operatorNotes.leave(note).catch(() => {});
    },
  };
}
