// Sends a form once, however often its button is pressed, and leads to the list of what is wrong with it.
// Forms work without it.
(() => {
  // Where an answer leaves the page as it is (a download, a stopped navigation), a form can be sent again after this.
  const holdFor = 10_000;
  const held = new Map();

  // On window: whatever the page's own scripts do about a submit, they have done by then.
  addEventListener('submit', (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || !leavesPage(form, submitter)) return;
    if (held.has(form)) event.preventDefault();
    else
      held.set(
        form,
        setTimeout(() => held.delete(form), holdFor),
      );
  });

  // Also when the back button restores this page as it was.
  addEventListener('pageshow', () => {
    for (const timer of held.values()) clearTimeout(timer);
    held.clear();
    requestAnimationFrame(leadToErrors);
  });

  // By now `autofocus` has done it, but for an address with a fragment, and on some phones.
  function leadToErrors() {
    if (document.activeElement === document.body) document.querySelector('.errors')?.focus();
  }

  // In Firefox a link to a date, which is several fields in one, leads to it and takes the focus away, a moment later.
  addEventListener('click', ({ target }) => {
    const link = target.closest('.errors a[data-field]');
    const field = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (field?.type !== 'date') return;
    const focus = () => field.focus({ preventScroll: true });
    // To nothing else: a person goes on to another field.
    const back = ({ relatedTarget }) => relatedTarget ?? focus();
    field.addEventListener('blur', back, { once: true, signal: AbortSignal.timeout(1_000) });
    setTimeout(focus);
  });

  // A search may be sent as often as one likes, and a form that opens another tab stays here to be sent again.
  // A pressed button may say otherwise than its form. Attributes: a field named "target" would hide the property.
  function leavesPage(form, submitter) {
    const said = (name) => submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name) ?? '';
    return said('method').toLowerCase() === 'post' && ['', '_self'].includes(said('target').toLowerCase());
  }
})();
