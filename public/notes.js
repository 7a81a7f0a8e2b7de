// Adds older notes to the list where the page would otherwise go on to the next one. Works without it, too.
const list = document.querySelector('#notes');
const older = document.querySelector('[data-page]');
let asking = false;

older?.addEventListener('click', async (event) => {
  event.preventDefault();
  // A double click would add the same notes twice.
  if (asking) return;
  asking = true;
  const answer = await fetch(`/api/notes?page=${older.dataset.page}`).catch(() => undefined);
  // Nobody is signed in any more, or something is away: the page itself says so.
  if (!answer?.ok) return location.assign(older.href);
  const { notes, hasMore } = await answer.json();
  const added = notes.map(cardOf);
  list.append(...added);
  added[0]?.querySelector('a').focus();
  const next = Number(older.dataset.page) + 1;
  older.dataset.page = next;
  older.href = `/notes?page=${next}`;
  older.hidden = !hasMore;
  asking = false;
});

/** By text, never by markup: a title may hold anything. */
function cardOf({ id, title, kind, pinned }) {
  const card = list.firstElementChild.cloneNode(true);
  Object.assign(card.querySelector('a'), { href: `/notes/${id}`, textContent: title });
  const badges = [kind, ...(pinned ? ['pinned'] : [])].map((text) => {
    const badge = document.createElement('span');
    badge.className = 'badge';
    badge.textContent = text;
    return badge;
  });
  card.querySelector('p').replaceChildren(...badges.flatMap((badge) => [badge, ' ']));
  return card;
}
