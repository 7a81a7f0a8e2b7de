const unseen = /^(head|script|style|svg|template|noscript)$/;

/** What a person would read on a page. Each character is looked at once, however many tags are never closed. */
export function plainText(html: string): string {
  const words: string[] = [];
  let within: string | undefined;
  // Every second part is a tag.
  for (const [index, part] of html.split(/<([^<>]*)>/).entries()) {
    if (index % 2 === 0) {
      if (!within) words.push(part);
      continue;
    }
    const name = /^\/?\w*/.exec(part)?.[0].toLowerCase() ?? '';
    if (within) {
      if (name === `/${within}`) within = undefined;
    } else if (unseen.test(name) && !part.endsWith('/')) within = name;
    // <b>wo</b>rd is one word; everything else stands apart.
    if (!/^\/?(a|b|i|em|span|strong|code)$/.test(name)) words.push(' ');
  }
  return decode(words.join('')).replace(/\s+/g, ' ').trim();
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,6})|#x([\da-f]{1,5})|([a-z]{2,5}));/gi, (all, decimal, hex, name) => {
    if (name) return entities[name.toLowerCase()] ?? all;
    return String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
