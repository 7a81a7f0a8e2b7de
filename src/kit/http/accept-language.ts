/** Node takes 16 KB of headers. A browser sends less than 200 bytes here, and nobody has fifty languages (R23). */
const longestHeader = 8 * 1024;
const mostRanges = 50;

/**
 * The one of `tags` (in lower case) that an Accept-Language header likes best (RFC 9110 §12.5.4), by RFC 4647 §3.4:
 * `de-CH-1996` takes `de-CH`, else `de`. Undefined where it takes none of them.
 */
export function preferredTag(
  header: string | undefined,
  tags: { has(tag: string): boolean },
): string | undefined {
  if (!header) return undefined;
  const ranges = header
    .slice(0, longestHeader)
    .split(',', mostRanges)
    .map(rangeOf)
    .filter(({ quality }) => quality > 0)
    // Stable: of two that are liked alike, the first counts.
    .sort((a, b) => b.quality - a.quality);
  for (const { range } of ranges) {
    for (let tag = range; tag !== ''; tag = shorter(tag)) if (tags.has(tag)) return tag;
  }
  return undefined;
}

function rangeOf(text: string): { range: string; quality: number } {
  const [range = '', weight] = text.split(';', 2);
  const quality =
    weight === undefined ? 1 : Number(/^\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$/i.exec(weight)?.[1] ?? 0);
  const plain = range.trim().toLowerCase();
  return { range: /^[a-z]{1,8}(-[a-z0-9]{1,8}){0,8}$/.test(plain) ? plain : '', quality };
}

/** Without its last part, and without a single letter that would then be its last (RFC 4647 §3.4). */
function shorter(tag: string): string {
  return tag.replace(/(^|-)[^-]*$/, '').replace(/-[a-z0-9]$/, '');
}
