const unseen = /^(head|script|style|svg|template|noscript|nav|header|footer)$/;

/**
 * What a person would read on a page, without its menus. Each character is looked at once, however many
 * tags are never closed.
 */
export function plainText(html: string): string {
  const words: string[] = [];
  let within: string | undefined;
  // Every second part is a tag.
  const parts = mainOf(html).split(/<([^<>]*)>/);
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      if (!within) words.push(part);
      continue;
    }
    const name = /^\/?\w*/.exec(part)?.[0].toLowerCase() ?? '';
    if (within) {
      if (name === `/${within}` || (within === 'head' && name === 'body')) within = undefined;
    } else if (unseen.test(name) && !part.endsWith('/')) within = name;
    // <b>wo</b>rd is one word; everything else is apart.
    if (!/^\/?(a|b|i|em|span|strong|code)$/.test(name)) words.push(' ');
  }
  return decode(words.join('')).replace(/\s+/g, ' ').trim();
}

function mainOf(html: string): string {
  const start = html.search(/<main[\s>]/i);
  if (start < 0) return html;
  const main = html.slice(start);
  const end = main.search(/<\/main/i);
  return end < 0 ? main : main.slice(0, end);
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,6})|#x([\da-f]{1,5})|([a-z]{2,5}));/gi, (all, decimal, hex, name) => {
    if (name) return entities[name.toLowerCase()] ?? all;
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
