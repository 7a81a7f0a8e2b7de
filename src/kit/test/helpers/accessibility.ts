import type { CDPSession, Page } from 'playwright-core';

/**
 * What axe does not find: names that do not tell controls apart, lists that WebKit takes for none, headings out of order,
 * a whole page announced as an alert, help that is not where it always is. A sentence each.
 *
 * @param page in Chromium
 * @param site.help what site.ts says: the link is in the footer of each page (WCAG 2.2, 3.2.6)
 */
export async function accessibilityProblems(page: Page, site: { help?: string } = {}): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  try {
    const controls = await controlsOf(session);
    const inMarkup = (await page.evaluate(problemsInMarkup(site.help))) as string[];
    return [...problemsOfNames(controls), ...inMarkup];
  } finally {
    await session.detach();
  }
}

/**
 * Goes through a page with the Tab key, as a person does: all is reached, in the order of the text, and on the screen
 * from top to bottom and along each row.
 */
export async function focusProblems(page: Page): Promise<string[]> {
  const count = (await page.evaluate(beginTabbing)) as number;
  for (let pressed = 0; pressed < count; pressed++) await page.keyboard.press('Tab');
  return (await page.evaluate(endTabbing)) as string[];
}

interface Control {
  role: string;
  name: string;
  /** What it does: where a link leads, what a form sends. */
  act: string;
  html: string;
}

const controlRoles = new Set([
  ...['button', 'link', 'textbox', 'searchbox', 'checkbox', 'radio', 'switch', 'combobox', 'listbox'],
  ...['spinbutton', 'slider', 'menuitem', 'tab', 'DisclosureTriangle', 'Date', 'DateTime', 'InputTime'],
]);

/** Every control in the accessibility tree: what a screen reader comes by. */
async function controlsOf(session: CDPSession): Promise<Control[]> {
  await session.send('Accessibility.enable');
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const found = nodes.filter(({ ignored, role }) => !ignored && controlRoles.has(String(role?.value)));
  return Promise.all(
    found.map(async ({ role, name, backendDOMNodeId }) => {
      const { object } = await session.send('DOM.resolveNode', { backendNodeId: backendDOMNodeId ?? 0 });
      const { result } = await session.send('Runtime.callFunctionOn', {
        objectId: object.objectId ?? '',
        functionDeclaration: actOf,
        returnByValue: true,
      });
      const { act, html } = result.value as { act: string; html: string };
      return { role: String(role?.value), name: String(name?.value ?? '').trim(), act, html };
    }),
  );
}

function problemsOfNames(controls: readonly Control[]): string[] {
  const nameless = controls.filter(({ name }) => name === '');
  const pressed = controls.filter(({ role, name }) => name !== '' && /^(button|link)$/.test(role));
  const byName = Map.groupBy(pressed, ({ name }) => name.toLowerCase());
  const alike = [...byName].flatMap(([name, same]) => {
    const acts = [...new Set(same.map(({ act }) => act))];
    return acts.length < 2
      ? []
      : [`"${name}" is the name of ${acts.length} different acts: ${acts.join(', ')}`];
  });
  return [...nameless.map(({ role, html }) => `a ${role} without a name: ${html}`), ...alike];
}

// What follows runs in the browser.

/** Where one comes back to after signing in makes no other act of it. */
const actOf = `function () {
  const html = this.outerHTML.slice(0, 120);
  if (this.href) {
    const { origin, pathname, searchParams, hash } = new URL(this.href, document.baseURI);
    if (pathname.startsWith('/auth/login')) for (const name of ['returnTo', 'renew']) searchParams.delete(name);
    return { act: 'GET ' + origin + pathname + '?' + searchParams + hash, html };
  }
  const { form } = this;
  if (!form || this.type === 'button' || this.type === 'reset') return { act: 'script of ' + html, html };
  const sent = [...new FormData(form)].filter(([name]) => name !== 'kit-form').map((pair) => pair.join('='));
  const action = this.hasAttribute('formaction') ? this.formAction : form.getAttribute('action') ?? document.URL;
  const own = this.name ? [this.name + '=' + this.value] : [];
  return { act: form.method.toUpperCase() + ' ' + action + ' ' + [...sent, ...own].join('&'), html };
}`;

const problemsInMarkup = (help: string | undefined) => `(() => {
  const problems = [];
  const shown = (selector) => [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility());
  const start = (element) => element.outerHTML.slice(0, 120);

  // What is wrong with a form comes before all else, above the heading of the page as well.
  const headings = shown(':is(h1, h2, h3, h4, h5, h6, [role="heading"]):not(.errors *)');
  const levels = headings.map((each) => Number(each.getAttribute('aria-level') ?? each.tagName[1]));
  const first = levels.filter((level) => level === 1).length;
  if (first !== 1) problems.push('there are ' + first + ' headings of the first level');
  levels.forEach((level, index) => {
    const before = levels[index - 1] ?? 0;
    if (level > before + 1) problems.push('a heading skips a level: ' + start(headings[index]));
  });
  for (const heading of headings) {
    if (heading.querySelector('.badge')) problems.push('a badge is part of a heading: ' + start(heading));
    if (heading.textContent.trim() === '') problems.push('an empty heading: ' + start(heading));
  }

  // WebKit takes a list without marks for none, but in a nav.
  for (const list of shown('ul:not([role]), ol:not([role])')) {
    if (!list.closest('nav') && getComputedStyle(list).listStyleType === 'none') {
      problems.push('a list without marks needs role="list": ' + start(list));
    }
  }

  for (const alert of shown('[role="alert"], [role="alertdialog"], [aria-live="assertive"]')) {
    if (alert.querySelector('h1, main, form, .actions') || alert.matches('main, body')) {
      problems.push('an alert is around a page: ' + start(alert));
    }
  }

  for (const region of shown('[role="region"]')) {
    if (region.innerText.trim() === '') problems.push('a landmark with nothing in it: ' + start(region));
  }

  for (const each of document.querySelectorAll('[tabindex]')) {
    if (each.tabIndex > 0) problems.push('a tabindex changes the order: ' + start(each));
  }

  const help = ${JSON.stringify(help)};
  if (help !== undefined) {
    const link = shown('body > footer a[href], [role="contentinfo"] a[href]').at(-1);
    if (link?.getAttribute('href') !== help) problems.push('the last link of the footer is not the one for help');
  }
  return problems;
})()`;

/** How often to press; from here on each focus is kept, with its place on the page. */
const beginTabbing = `(async () => {
  // What is wrong with a form takes the focus with the first frames, on a busy machine after the load event.
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const reached = (globalThis.reachedByTab = []);
  // At the time of its focus: a skip link is elsewhere before.
  document.addEventListener('focusin', ({ target }) => {
    const { left, right, top, bottom } = target.getBoundingClientRect();
    reached.push({ target, left: left + scrollX, right: right + scrollX, top: top + scrollY, bottom: bottom + scrollY });
  });
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
  reached.length = 0;
  const all = 'a[href], button:enabled, input:enabled:not([type="hidden"]), select, textarea, summary, [tabindex="0"]';
  globalThis.toBeReached = [...document.querySelectorAll(all)].filter(
    (each) => each.checkVisibility({ visibilityProperty: true }) && each.tabIndex >= 0,
  );
  // A date is several fields in one, and Chromium stops at what can be scrolled.
  const dates = document.querySelectorAll('[type^="date"], [type="time"], [type="month"], [type="week"]').length;
  const scrolled = document.querySelectorAll('pre, .table').length;
  return globalThis.toBeReached.length + 6 * dates + scrolled;
})()`;

const endTabbing = `(() => {
  const problems = [];
  const { reachedByTab: reached, toBeReached } = globalThis;
  const label = ({ target }) => (target.textContent.trim() || target.name || target.tagName).replaceAll(/\\s+/g, ' ').slice(0, 60);
  const targets = new Set(reached.map(({ target }) => target));
  for (const target of toBeReached) {
    // Of radio buttons one is.
    if (!targets.has(target) && target.type !== 'radio') problems.push('the Tab key does not reach ' + label({ target }));
  }
  const isFixed = ({ target }) => {
    for (let each = target; each; each = each.parentElement) {
      if (getComputedStyle(each).position === 'fixed') return true;
    }
    return false;
  };
  // What comes after the last control is the browser's own, then the first again.
  const once = reached.filter(({ target }, index) => reached.findIndex((each) => each.target === target) === index);
  once.filter((each) => !isFixed(each)).forEach((now, index, all) => {
    const before = all[index - 1];
    if (!before) return;
    if (before.target.compareDocumentPosition(now.target) & Node.DOCUMENT_POSITION_PRECEDING) {
      problems.push('the focus goes back in the text, from ' + label(before) + ' to ' + label(now));
    }
    // A pixel, as rows are not always whole ones.
    if (now.bottom <= before.top + 1) {
      problems.push('the focus jumps up the page, from ' + label(before) + ' to ' + label(now));
    }
    const sameRow = Math.min(now.bottom, before.bottom) - Math.max(now.top, before.top) >
      Math.min(now.bottom - now.top, before.bottom - before.top) / 2;
    const leftToRight = getComputedStyle(document.documentElement).direction === 'ltr';
    const back = leftToRight ? now.right <= before.left + 1 : now.left >= before.right - 1;
    if (sameRow && back) problems.push('the focus jumps back in its row, from ' + label(before) + ' to ' + label(now));
  });
  return problems;
})()`;
