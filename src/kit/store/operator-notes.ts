import type { OperatorNote, Sessions } from './contract.ts';
import type { Keys } from './keys.ts';
import type { Records } from './records.ts';
import { createSealer } from './sealing.ts';

/** An instance that runs looks every few seconds. If none runs for a day, nobody needs its log to say it. */
const keptMs = 86_400_000;

/** A command leaves one. More than this wait only where no instance runs. */
const most = 200;

/**
 * What `npm run sessions` has ended, left for the instances that run: the log of a shell in a container is kept nowhere.
 *
 * @param claim true for the first of all instances that asks with this name, for a day
 */
export function createOperatorNotes(
  records: Records,
  { operatorNotes: notes }: Keys,
  secrets: readonly string[],
  claim: (name: string) => Promise<boolean>,
): Sessions['operatorNotes'] {
  const sealer = createSealer(secrets, 'operator note');

  /** Undefined for what is too old or not ours, also because it is sealed with a secret that comes next. */
  function open(sealed: string): OperatorNote | undefined {
    const plain = sealer.open(Buffer.from(sealed, 'base64url'), notes);
    const note = plain && (JSON.parse(plain.toString()) as OperatorNote);
    return note && note.at > Date.now() - keptMs ? note : undefined;
  }

  return {
    async leave(note) {
      if ((await records.members(notes)).length >= most) return;
      const sealed = sealer.seal(JSON.stringify(note), notes).toString('base64url');
      await records.addMember([notes], sealed, note.at + keptMs);
    },

    async take() {
      const taken: OperatorNote[] = [];
      for (const sealed of await records.members(notes)) {
        const note = open(sealed);
        if (!note || !(await claim(`operator note ${sealed}`))) continue;
        taken.push(note);
        await records.removeMembers(notes, [sealed]);
      }
      return taken;
    },
  };
}
