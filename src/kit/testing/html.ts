// Reads the HTML that the app printed, as far as a test needs it: elements, attributes and text. It is no browser, but
// it takes what browsers take: tags that nobody closed, attributes without quotes.

export interface Element {
  tag: string;
  attributes: Readonly<Record<string, string>>;
  children: (Element | string)[];
}

/** The whole page as one element without a tag. */
export function parseHtml(html: string): Element {
  const root: Element = { tag: '', attributes: {}, children: [] };
  const open = [root];
  const last = () => open.at(-1) ?? root;
  let at = 0;
  for (const match of html.matchAll(token)) {
    if (match.index < at) continue; // Inside the text of a script.
    addText(last(), html.slice(at, match.index));
    at = match.index + match[0].length;
    const [, closing, name = '', rest = ''] = match;
    const tag = name.toLowerCase();
    if (tag === '') continue; // A comment, or the doctype.
    if (closing) {
      const index = open.findLastIndex((element) => element.tag === tag);
      if (index > 0) open.splice(index);
      continue;
    }
    if (tag === 'option' && last().tag === 'option') open.pop();
    const element: Element = { tag, attributes: attributesOf(rest), children: [] };
    last().children.push(element);
    if (plainText.has(tag)) {
      const end = html.slice(at).search(new RegExp(`</${tag}\\b`, 'i'));
      const inside = end < 0 ? html.slice(at) : html.slice(at, at + end);
      const escapes = tag === 'textarea' || tag === 'title';
      element.children.push(escapes ? unescapeHtml(inside.replace(/^\r?\n/, '')) : inside);
      at += inside.length;
    } else if (!empty.has(tag)) open.push(element);
  }
  addText(last(), html.slice(at));
  return root;
}

/** Every element below this one for which `wanted` says yes, in the order of the page. */
export function findAll(element: Element, wanted: (element: Element) => boolean): Element[] {
  return element.children.flatMap((child) =>
    typeof child === 'string' ? [] : [...(wanted(child) ? [child] : []), ...findAll(child, wanted)],
  );
}

export function findTags(element: Element, ...tags: string[]): Element[] {
  return findAll(element, ({ tag }) => tags.includes(tag));
}

/** What a person reads of it, each run of blanks as one. */
export function textOf(element: Element): string {
  return rawText(element).replace(/\s+/g, ' ').trim();
}

/** What a link or a button is called (accname-1.2): without what is hidden from screen readers. */
export function nameOf(element: Element): string {
  return textOf(spoken(element));
}

function spoken(element: Element): Element {
  const heard = element.children.filter(
    (child) => typeof child === 'string' || child.attributes['aria-hidden'] !== 'true',
  );
  return { ...element, children: heard.map((child) => (typeof child === 'string' ? child : spoken(child))) };
}

function rawText({ tag, attributes, children }: Element): string {
  if (unread.has(tag) || attributes.hidden !== undefined) return '';
  const text = children.map((child) => (typeof child === 'string' ? child : rawText(child))).join('');
  return inline.has(tag) ? text : ` ${text} `;
}

const token = /<!--[\s\S]*?-->|<![^>]*>|<(\/?)([a-z][\w-]*)((?:"[^"]*"|'[^']*'|[^"'>])*)>/gi;

/** Nothing is inside these. */
const empty = new Set('area base br col embed hr img input link meta source track wbr'.split(' '));

/** A tag inside these is text. */
const plainText = new Set(['script', 'style', 'textarea', 'title']);

const unread = new Set(['script', 'style', 'head', 'template']);

const inline = new Set(
  'a abbr b bdi bdo cite code em i kbd mark q s small span strong sub sup time u'.split(' '),
);

function addText(element: Element, text: string): void {
  if (text !== '') element.children.push(unescapeHtml(text));
}

function attributesOf(text: string): Record<string, string> {
  const pairs = text.matchAll(/([^\s"'=/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?/g);
  return Object.fromEntries(
    [...pairs].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      unescapeHtml(double ?? single ?? bare ?? ''),
    ]),
  );
}

const names: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', nbsp: ' ' };

function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,6}));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return names[name.toLowerCase()] ?? all;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
