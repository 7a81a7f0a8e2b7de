import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Changes } from './apply.ts';
import { baseFile } from './base.ts';
import { hashAt } from './compare.ts';
import { prefixOf } from './git.ts';
import { hashOf, type Kit } from './kit-file.ts';
import { diffOf, endedLike, fromHistory, isBinary, mergeFiles, type Sides } from './patch.ts';
import { printable, Refusal } from './refusal.ts';
import type { Release } from './template.ts';

// What the template changed in files that an upgrade leaves alone. It is offered in two files: one to apply as a whole,
// one to read.

export const patchFile = 'upgrade.patch';
export const readingFile = 'upgrade-by-hand.md';

export interface Offers {
  /** From yours to yours with the template's change: upgrade.patch, so that it always applies. */
  patch: Sides[];
  /** Of these, the files that have conflict markers then. */
  conflicts: string[];
  /** The sections of upgrade-by-hand.md. */
  reading: { title: string; text: string }[];
}

/** What a plan of an upgrade starts from. */
export interface Versions {
  root: string;
  old: Kit;
  template: Release;
  base: Release | undefined;
  temporary: string;
}

/**
 * The template's change as it would come into the site's own file. `conflict` is true where both changed the same lines.
 *
 * @returns undefined where git cannot merge (a picture), and no sides where the site's file has the change already
 */
export function comeTogether(
  path: string,
  before: Buffer,
  now: Buffer,
  { root, old, template, temporary }: Versions,
): { sides?: Sides; conflict: boolean } | undefined {
  const yours = readFileSync(join(root, path));
  const sidesTo = (content: Buffer): Sides => ({
    path,
    from: { content: yours, executable: false },
    to: endedLike({ content, executable: false }, yours),
  });
  if (hashOf(yours) === hashOf(now)) return { conflict: false };
  if (hashOf(yours) === hashOf(before)) return { sides: sidesTo(now), conflict: false };
  if ([yours, before, now].some(isBinary)) return undefined;
  const labels = { base: old.version, theirs: template.kit.version };
  const { content, conflict } = mergeFiles({ yours, base: before, theirs: now }, labels, temporary);
  if (hashOf(content) === hashOf(yours)) return { conflict: false };
  return { sides: sidesTo(content), conflict };
}

/** The file as the copy was made from it: as it is here, from the template's old version, or from the copy's history. */
export function originalOf(
  path: string,
  hash: string | undefined,
  { root, base }: Versions,
): Buffer | undefined {
  if (hash === undefined) return undefined;
  if (hashAt(root, path) === hash) return readFileSync(join(root, path));
  return baseFile(base, path, hash)?.content ?? fromHistory(root, path, hash, hashOf);
}

/** A difference as a block of Markdown. */
export function shownDiff(sides: Sides, temporary: string): string {
  const text = Buffer.from(diffOf([sides], temporary), 'latin1').toString();
  return `~~~~diff\n${text.trimEnd()}\n~~~~`;
}

/** @throws Refusal where those of an earlier upgrade are still here */
export function writeOffers(offers: Offers, versions: Versions, changes: Changes): void {
  const { root, old, template, temporary } = versions;
  const write = (path: string, content: Buffer) => {
    if (existsSync(join(root, path)))
      throw new Refusal(
        `${path} of an earlier upgrade is still here, and this upgrade would write its own. Do what it says, or delete it, and commit.`,
      );
    changes.writes.set(path, { content, executable: false });
  };
  const range = `${template.kit.version} changed since ${old.version}`;
  if (offers.patch.length > 0) {
    const head = [
      `What ${range} in files that are yours, as it comes into them.`,
      'Apply it with: git apply upgrade.patch',
      ...(offers.conflicts.length > 0
        ? [
            `Your changes and the template's are both in these files then, between conflict markers: ${offers.conflicts.join(', ')}`,
          ]
        : []),
    ];
    const patch = diffOf(offers.patch, temporary, prefixOf(root));
    write(patchFile, Buffer.from(`${head.join('\n')}\n\n${patch}`, 'latin1'));
  }
  if (offers.reading.length > 0) {
    const sections = offers.reading.map(({ title, text }) => `## ${title}\n\n${text}\n`);
    const head = `# To read: what ${range}\n\nBring into your files what they need, then delete this one.\n`;
    write(readingFile, Buffer.from(printable([head, ...sections].join('\n'))));
  }
}
