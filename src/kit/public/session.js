// Tells people before their session ends, and lets them stay. Pages work without it.
// Tabs of this browser tell each other when the session was used; nothing is kept anywhere.
(() => {
  const channel = new BroadcastChannel('session');

  // On /signed-out: when another tab has signed in, go where the user wanted to be.
  const follow = document.querySelector('a[data-follow]');
  if (follow) {
    const look = async () => {
      if (document.hidden) return;
      const answer = await fetch('/auth/session').catch(() => undefined);
      if (answer?.ok) location.replace(follow.href);
    };
    channel.addEventListener('message', look);
    document.addEventListener('visibilitychange', look);
    return;
  }

  const box = document.querySelector('.ending');
  if (!box) return;
  const [status, stay, again] = box.children;
  // Back to this very page, its query included.
  const login = new URL(again.href);
  if (login.searchParams.get('returnTo') === location.pathname) {
    login.searchParams.set('returnTo', location.pathname + location.search);
    again.href = login.href;
  }
  const warnBefore = 120_000;
  // Times as the page is written, in the browser's own manner where it is of that language.
  const { lang } = document.documentElement;
  const sameLanguage = (tag) => tag.split('-')[0] === lang.split('-')[0];
  const languages = [...navigator.languages.filter(sameLanguage), lang].filter(Boolean);
  // The server's clock counts, whatever this computer's clock says.
  const ahead = Date.now() - Date.parse(box.dataset.now);
  let ends;
  let shown = '';
  let focusedBefore;

  const use = ({ expiresAt, idleExpiresAt }) => {
    ends = { expiresAt, idleExpiresAt, absolute: Date.parse(expiresAt), idle: Date.parse(idleExpiresAt) };
  };
  const tell = () => channel.postMessage({ expiresAt: ends.expiresAt, idleExpiresAt: ends.idleExpiresAt });

  const show = (what, at) => {
    if (what === shown) return;
    shown = what;
    const time =
      at && new Date(at + ahead).toLocaleTimeString(languages, { hour: 'numeric', minute: '2-digit' });
    status.textContent = what && box.dataset[what].replace('{time}', time);
    // Not by :empty in CSS: WebKit does not look at it again.
    box.toggleAttribute('data-shown', what !== '');
    const hadFocus = document.activeElement === stay || document.activeElement === again;
    stay.hidden = what !== 'idle' && what !== 'failed';
    again.hidden = what !== 'absolute' && what !== 'ended';
    if (hadFocus && document.activeElement === document.body) focusedBefore?.focus();
  };

  const check = () => {
    const now = Date.now() - ahead;
    const end = Math.min(ends.absolute, ends.idle);
    if (now >= end) show('ended');
    else if (now < end - warnBefore) shown !== 'stayed' && show('');
    else if (shown !== 'failed') show(ends.absolute <= ends.idle ? 'absolute' : 'idle', end);
  };

  box.addEventListener('focusin', ({ relatedTarget }) => {
    if (relatedTarget && !box.contains(relatedTarget)) focusedBefore = relatedTarget;
  });

  // Asking who is signed in counts as using the session: its idle end moves.
  stay.addEventListener('click', async () => {
    const answer = await fetch('/auth/session').catch(() => undefined);
    if (answer?.ok) {
      use(await answer.json());
      show('stayed');
      setTimeout(() => shown === 'stayed' && show(''), 5_000);
      tell();
    } else if (answer?.status === 401) show('ended');
    else show('failed');
  });

  channel.addEventListener('message', ({ data }) => {
    use(data);
    check();
  });
  document.addEventListener('visibilitychange', check);
  // The back button may restore this page after its session ended or somebody else signed in.
  addEventListener('pageshow', async ({ persisted }) => {
    if (!persisted) return;
    const mark = document.querySelector('meta[name="kit-form"]')?.content;
    const headers = mark ? { 'Kit-Form': mark } : {};
    const answer = await fetch('/auth/session', { headers }).catch(() => undefined);
    if (answer?.status === 401 || answer?.status === 403) location.reload();
    else if (answer?.ok) {
      use(await answer.json());
      check();
    }
  });
  setInterval(check, 2_000);
  use(box.dataset);
  tell();
  check();
})();
