import { texts } from '../../errors/texts.ts';

/** Each text of the kit with its key, as docs/texts.md lists them: one table for each first word. */
export function textsTable(): string {
  const groups = Map.groupBy(Object.entries(texts), ([key]) => key.split('.')[0] ?? '');
  return [...groups]
    .map(([name, group]) => {
      const rows = group.map(([key, text]) => `| \`${key}\` | ${[text].flat().map(inCell).join('<br>')} |`);
      return `### ${name}\n\n| key | English |\n|---|---|\n${rows.join('\n')}\n`;
    })
    .join('\n');
}

function inCell(text: string): string {
  return text.replace(/[<>|]/g, (sign) => `&#${sign.codePointAt(0)};`);
}
