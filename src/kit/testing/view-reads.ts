/** A name that a view reads from `page`. */
export interface Read {
  name: string;
  line: number;
  /** True where it is read whatever the page is about: in no block, and behind no condition. */
  sure: boolean;
}

/** What is read from `page` in the code of a view: as `page.name`, or by `const { name } = page`. */
export function readsIn(text: string): Read[] {
  const code = codeOf(text);
  // A function or a loop of the view's own may call something else `page`.
  if (otherPage.test(code)) return [];
  const direct = [...code.matchAll(member)].map(({ index, 1: name = '' }) => ({ name, index }));
  const taken = [...code.matchAll(destructured)].flatMap(({ index, 1: names = '' }) =>
    names
      .split(',')
      .filter((one) => !one.includes('...'))
      .map((one) => ({ name: /[\w$]+/.exec(one)?.[0] ?? '', index })),
  );
  const set = new Set([...code.matchAll(assigned)].map(([, name]) => name));
  return [...direct, ...taken]
    .filter(({ name }) => name !== '' && !set.has(name))
    .map(({ name, index }) => ({ name, line: lineAt(text, index), sure: isSure(code, index) }));
}

/** Whether a view says itself that something may not be there: `page.x ?? …`, `if (page.x)`, `'x' in page`. */
export function isOptional(text: string, name: string): boolean {
  const one = `page\\??\\.${escaped(name)}(?![\\w$])`;
  return new RegExp(
    [
      `${one}\\s*(?:\\?|&&|\\|\\||[!=]==?)`,
      `(?:!|&&|\\|\\||[!=]==?|\\btypeof|\\bBoolean\\()\\s*${one}`,
      `\\((?:\\s*)${one}\\s*\\)`,
      `['"\`]${escaped(name)}['"\`]\\s+in\\s+page\\b`,
      `\\{[^{}]*\\b${escaped(name)}\\s*(?::\\s*[\\w$]+\\s*)?=(?!=)[^{}]*\\}\\s*=\\s*page\\b`,
    ].join('|'),
  ).test(text);
}

const member = /(?<![\w$.])page\s*\??\.\s*([A-Za-z_$][\w$]*)/g;
const assigned = /(?<![\w$.])page\.([A-Za-z_$][\w$]*)\s*(?:\?\?|\|\|)?=(?![=>])/g;
const destructured = /\{([^{}]*)\}\s*=\s*page\s*(?![\w$.?[(])/g;
const otherPage =
  /\b(?:const|let|var)\s+page\b|\bpage\s*=>|[([{,]\s*page\s*(?:,[^()]*)?\)\s*(?:=>|\{)|[{[,]\s*page\s*[,}\]][^;]*?(?:=>|\bof\b|=(?!=))/;
const condition = /\?|&&|\|\||=>|\b(?:if|else|for|while|do|case|function)\b/;

/** The JavaScript of a view, a `;` before each piece of it. All else is blank, so that each character stays where it was. */
function codeOf(text: string): string {
  let code = '';
  for (const { index, 1: kind = '', 2: inside = '' } of text.matchAll(/<%(?!%)([=_-]?)([\s\S]*?)[-_]?%>/g)) {
    const from = index + 2 + kind.length;
    code += `${blank(text.slice(code.length, from - 1))};${withoutTexts(inside)}`;
  }
  return code + blank(text.slice(code.length));
}

function withoutTexts(code: string): string {
  return code.replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`/g,
    (found) => (found.startsWith('`') ? withoutWords(found) : blank(found)),
  );
}

/** Of a template, what it puts in. */
function withoutWords(template: string): string {
  return template
    .split(/(\$\{[^}]*\})/)
    .map((part) => (part.startsWith('${') ? ` (${part.slice(2, -1)})` : blank(part)))
    .join('');
}

const blank = (text: string) => text.replace(/[^\n]/g, ' ');

/** In no block that began before, and behind nothing in its own statement that decides whether it is read at all. */
function isSure(code: string, index: number): boolean {
  const before = code.slice(0, index);
  const depth = (before.match(/\{/g)?.length ?? 0) - (before.match(/\}/g)?.length ?? 0);
  return depth === 0 && !condition.test(before.slice(before.lastIndexOf(';') + 1));
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function escaped(name: string): string {
  return name.replaceAll('$', '\\$');
}
