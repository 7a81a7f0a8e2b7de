// On a page that says what went wrong: copies the request id, and has the browser show an address that can be reloaded
// and kept, where this one cannot. Without it the id can be selected as a whole.
(() => {
  const address = document.querySelector('meta[name="kit-address"]')?.content;
  if (address) history.replaceState(history.state, '', address);

  const button = document.querySelector('.request .copy');
  if (!button) return;
  const id = button.parentElement.querySelector('code');
  const status = button.parentElement.querySelector('[role="status"]');
  button.dataset.ready = '';
  button.addEventListener('click', async () => {
    status.textContent = '';
    if (await copied()) status.textContent = button.dataset.copied;
  });

  // Where the newer way is refused, or missing as on plain http, the id is at least selected.
  async function copied() {
    try {
      await navigator.clipboard.writeText(id.textContent);
      return true;
    } catch {
      getSelection().selectAllChildren(id);
      return document.execCommand('copy');
    }
  }
})();
