import { compareVersions, isVersion } from './versions.ts';

const heading = /^##[ \t]+\[?v?(\d[\w.+-]*)\]?/;

/** The sections of a changelog that are newer than `after` and not newer than `upTo`, as they stand there. */
export function sectionsBetween(text: string, after: string, upTo: string): string[] {
  return sections(text)
    .filter(({ version }) => compareVersions(version, after) > 0 && compareVersions(version, upTo) <= 0)
    .map(({ lines }) => lines.join('\n').trim());
}

export function hasSection(text: string, version: string): boolean {
  return sections(text).some((section) => section.version === version);
}

function sections(text: string): { version: string; lines: string[] }[] {
  const found: { version: string; lines: string[] }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const version = heading.exec(line)?.[1];
    if (isVersion(version)) found.push({ version, lines: [line] });
    else found.at(-1)?.lines.push(line);
  }
  return found;
}
