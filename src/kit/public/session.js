// Tells people before their session ends, and when another tab has changed who is signed in. Pages work without it.
// Tabs of this browser tell each other who used the session, and until when it lasts; nothing is kept anywhere.
(() => {
  const channel = new BroadcastChannel('session');
  const box = document.querySelector('.ending');
  const mark = document.querySelector('meta[name="kit-form"]')?.content ?? '';
  const isTime = (value) => typeof value === 'string' && Date.parse(value) > 0;
  const isUse = (data) => isTime(data?.expiresAt) && isTime(data.idleExpiresAt);
  const isSignIn = (data) => isUse(data) && typeof data.mark === 'string' && typeof data.name === 'string';

  // Counts as using the session: its idle end moves. 401: nobody is signed in; 403: not whom this page is for.
  const ask = async () => {
    const headers = mark ? { 'Kit-Form': mark } : {};
    const answer = await fetch('/auth/session', { headers }).catch(() => undefined);
    const body = answer?.ok ? await answer.json().catch(() => undefined) : undefined;
    return { status: answer?.status, use: isUse(body) ? body : undefined };
  };

  if (!box) {
    if (mark) return;
    // On /signed-out. When another tab has signed in, go where the user wanted to be.
    channel.postMessage({ signedOut: true });
    const follow = document.querySelector('a[data-follow]');
    const look = async () => !document.hidden && (await ask()).use && location.replace(follow.href);
    if (!follow) return;
    channel.addEventListener('message', ({ data }) => isSignIn(data) && look());
    document.addEventListener('visibilitychange', look);
    return;
  }

  const root = document.documentElement;
  const main = document.querySelector('main') ?? document.body;
  const status = box.querySelector('[role="status"]');
  const controls = [...box.querySelectorAll('a, button')];
  const [stay, again, reload, close] = controls;
  const { name, now: printed, idleMinutes } = box.dataset;
  // Back to this very page, its query included.
  const login = new URL(again.href);
  if (login.searchParams.get('returnTo') === location.pathname) {
    login.searchParams.set('returnTo', location.pathname + location.search);
    again.href = login.href;
  }
  // Times as times.js writes them.
  const sameLanguage = (tag) => tag.split('-')[0] === root.lang.split('-')[0];
  const languages = [...navigator.languages.filter(sameLanguage), root.lang].filter(Boolean);
  // The server's clock counts, whatever this computer's clock says.
  const ahead = Date.now() - Date.parse(printed);
  const idleFor = idleMinutes * 60_000 || Date.parse(box.dataset.idleExpiresAt) - Date.parse(printed);
  const warnBefore = Math.min(120_000, idleFor / 2);
  // This person's: after a change of SESSION_SECRET, newer pages carry another one.
  const marks = new Set([mark]);
  let ends;
  // Why this page has no session any more, as another tab or the server said: signedOut, ended, other or account.
  let away = '';
  let otherName = '';
  let shown = '';
  let said = '';
  let messages = 0;
  let focusedBefore;

  const use = ({ expiresAt, idleExpiresAt }) => {
    ends = { expiresAt, idleExpiresAt };
    away = '';
  };
  const tell = () => channel.postMessage({ mark, name, ...ends });

  const write = (time) => {
    const today = new Date(time).toDateString() === new Date().toDateString();
    const style = { timeStyle: 'short', ...(!today && { dateStyle: 'long' }) };
    return new Intl.DateTimeFormat(languages, style).format(time);
  };

  // What has the focus is not left under the notice. If it is taller than the rest of the window, its beginning shows.
  // Chromium leaves something partly in sight where it is, so what is cut off above is brought down, too.
  const uncover = () => {
    const focused = document.activeElement;
    if (!box.hasAttribute('data-shown') || box.contains(focused) || focused.matches('body, main')) return;
    const { top, bottom } = focused.getBoundingClientRect();
    const edge = box.getBoundingClientRect().top - 8;
    const isCut = top < 0 && bottom > 0 && bottom - top < edge - 8;
    const over = isCut ? top - 8 : Math.max(0, Math.min(bottom - edge, top - 8));
    if (over !== 0 && top < innerHeight) scrollBy({ top: over, behavior: 'instant' });
  };

  // Between the edges of the page's content. kit.css makes as much room below the page as the notice takes.
  const place = () => {
    const { left, right } = main.getBoundingClientRect();
    const { paddingLeft, paddingRight } = getComputedStyle(main);
    const start = left + parseFloat(paddingLeft);
    Object.assign(box.style, { left: `${start}px`, width: `${right - parseFloat(paddingRight) - start}px` });
    root.style.setProperty('--ending', `${box.offsetHeight}px`);
    uncover();
  };

  const print = (what, parts) => {
    const shows = ({ dataset }) => what !== '' && (dataset.for ?? what).split(' ').includes(what);
    const { activeElement } = document;
    // Before it is hidden: afterwards, Firefox and WebKit no longer know that it had the focus.
    if (controls.includes(activeElement) && !shows(activeElement)) {
      focusedBefore?.focus();
      if (document.activeElement === activeElement) main.focus({ preventScroll: true });
    }
    for (const control of controls) control.hidden = !shows(control);
    // A region with nothing in it would be one more landmark on each page.
    controls[0].parentNode.hidden = what === '';
    // Not by :empty in CSS: WebKit does not look at it again.
    box.toggleAttribute('data-shown', what !== '');
    root.toggleAttribute('data-ending', what !== '');
    status.replaceChildren(...parts);
    place();
  };

  // Says each thing once: what is closed stays so until there is something else to say.
  const show = (what, at) => {
    const values = { name: otherName, before: name, time: at && write(at + ahead) };
    const parts = (box.dataset[what] ?? '').split(/\{(\w+)\}/);
    for (let index = 1; index < parts.length; index += 2) {
      // A name may be written from right to left, or look like markup.
      const value = document.createElement('bdi');
      value.textContent = values[parts[index]] ?? '';
      parts[index] = value;
    }
    const text = parts.map((part) => part.textContent ?? part).join('');
    if (text === said) return;
    [shown, said] = [what, text];
    print(what, parts);
  };

  const check = () => {
    const now = Date.now() - ahead;
    const [absolute, idle] = [Date.parse(ends.expiresAt), Date.parse(ends.idleExpiresAt)];
    const end = Math.min(absolute, idle);
    if (away === 'signedOut') show(away);
    else if (now >= end) show('ended');
    else if (away) show(away);
    else if (now < end - warnBefore) shown !== 'stayed' && show('');
    else if (shown !== 'failed') show(absolute <= idle ? 'absolute' : 'idle', end);
  };

  // Safari gives no pressed button the focus, and takes it from where it was.
  box.addEventListener('pointerdown', () => {
    if (!box.contains(document.activeElement)) focusedBefore = document.activeElement;
  });
  box.addEventListener('focusin', ({ relatedTarget }) => {
    if (relatedTarget && !box.contains(relatedTarget)) focusedBefore = relatedTarget;
  });
  box.addEventListener('click', ({ target }) => target.closest('button')?.focus());

  stay.addEventListener('click', async () => {
    const { status: code, use: newEnds } = await ask();
    if (newEnds) {
      use(newEnds);
      show('stayed');
      setTimeout(() => shown === 'stayed' && show(''), 5_000);
      return tell();
    }
    if (code === 401) away = 'ended';
    if (code === 403) away = 'account';
    if (away) check();
    else show('failed');
  });
  // Not location.reload(): a form's page that was printed with its mistakes would be sent once more.
  reload.addEventListener('click', () =>
    location.assign(location.origin + login.searchParams.get('returnTo')),
  );
  close.addEventListener('click', () => print('', []));

  channel.addEventListener('message', async ({ data }) => {
    const turn = ++messages;
    if (isSignIn(data)) {
      const other = data.name !== name;
      // One name, two marks: the server knows whether they are one person.
      if (!other && !marks.has(data.mark) && (await ask()).status !== 403) marks.add(data.mark);
      if (turn !== messages) return;
      use(data);
      if (!marks.has(data.mark)) away = other ? 'other' : 'account';
      otherName = data.name;
    } else if (data?.signedOut === true && away !== 'signedOut') {
      if ((await ask()).status === 401 && turn === messages) away = 'signedOut';
    }
    check();
  });
  document.addEventListener('visibilitychange', check);
  // The browser's own scrolling may come before this or after it.
  document.addEventListener('focusin', () => {
    uncover();
    requestAnimationFrame(uncover);
  });
  addEventListener('resize', place);
  const observer = new ResizeObserver(place);
  for (const element of [box, main]) observer.observe(element);
  // The back button may restore this page after its session ended or somebody else signed in.
  addEventListener('pageshow', async ({ persisted }) => {
    if (!persisted) return;
    const answer = await ask();
    if (answer.status === 401 || answer.status === 403) location.reload();
    else if (answer.use) {
      use(answer.use);
      check();
    }
  });
  setInterval(check, 2_000);
  use(box.dataset);
  tell();
  check();
})();
