/* eslint-disable typescript/no-unsafe-argument, typescript/no-unsafe-call, typescript/no-unsafe-return -- sent to the browser unchanged, so it is
   JavaScript without types */

// The operator's panel of the demo. A product has no such page: its clients must not learn why they are refused.

const ACTIONS = [
  { path: 'rotate-keys', text: 'Rotate the keys' },
  { path: 'stop', text: 'Stop the authorization server', isFor: ({ isRunning }) => isRunning },
  { path: 'start', text: 'Start the authorization server', isFor: ({ isRunning }) => !isRunning },
  { path: 'end-sessions', text: 'End my session by a logout token', needsUser: true },
];

/**
 * Fills the panel, and returns how the page tells it who is logged in.
 *
 * @param place the section of the page, empty and hidden
 */
export function openPanel(place) {
  document.head.append(make('link', { rel: 'stylesheet', href: '/operator/panel.css' }));
  const running = make('dd', {});
  const key = make('dd', { className: 'operator-key' });
  const message = make('p', { className: 'operator-message', role: 'status' });
  const buttons = new Map(ACTIONS.map((action) => [action, make('button', { className: 'button quiet', type: 'button', textContent: action.text })]));
  let user;
  let state = { isRunning: true, signingKeyId: '' };

  function render() {
    running.textContent = state.isRunning ? 'running' : 'stopped';
    running.dataset.kind = state.isRunning ? 'good' : 'bad';
    key.textContent = state.signingKeyId;
    for (const [{ isFor, needsUser }, button] of buttons) {
      button.hidden = isFor ? !isFor(state) : false;
      button.disabled = Boolean(needsUser) && !user;
    }
  }

  async function act({ path, needsUser }, button) {
    const hadFocus = document.activeElement === button;
    for (const one of buttons.values()) one.disabled = true;
    message.textContent = 'One moment ...';
    try {
      const query = needsUser ? `?${new URLSearchParams({ user })}` : '';
      const response = await fetch(`/operator/${path}${query}`, { method: 'POST', headers: { 'x-demo-operator': '1' } });
      state = await response.json();
      message.textContent = state.message;
    } catch {
      message.textContent = 'The demo does not answer. Is it still running?';
    }
    render();
    // stop and start take each other's place
    if (hadFocus) (button.hidden ? [...buttons].find(([{ isFor }, one]) => isFor && !one.hidden)[1] : button).focus();
  }

  for (const [action, button] of buttons) button.addEventListener('click', () => void act(action, button));
  const facts = make('dl', { className: 'operator-facts' });
  facts.append(make('dt', { textContent: 'Authorization server' }), running, make('dt', { textContent: 'Signing key' }), key);
  const row = make('div', { className: 'operator-actions' });
  row.append(...buttons.values());
  place.append(
    make('p', { className: 'demo-only', textContent: 'Demo only' }),
    make('h2', { id: 'operator-title', textContent: 'The operator' }),
    make('p', {
      className: 'hint',
      textContent:
        'You play the operator of this system, too. Change something here, then call the API above. A real app has no such panel, and no client of it reads why a request was refused.',
    }),
    facts,
    row,
    message,
  );
  place.hidden = false;
  render();
  void fetch('/operator/state')
    .then((response) => response.json())
    .then((current) => {
      state = current;
      render();
    });
  return {
    show(next) {
      user = next;
      render();
    },
  };
}

/** Shows what the operator reads about a refused answer, beside what the client reads. */
export async function explain(response, place) {
  const id = response.headers.get('x-demo-refusal');
  place.hidden = !id;
  if (!id) return;
  const [{ error, detail }, { reason, summary, link }] = await Promise.all([
    response.clone().json(),
    fetch(`/operator/refusals/${id}`).then((one) => one.json()),
  ]);
  const pair = make('div', { className: 'operator-pair' });
  pair.append(side('The client reads', false, error ?? 'no error code', detail), side('The operator reads', true, reason, summary, link));
  place.replaceChildren(pair);
}

function side(title, isDemoOnly, code, text, link) {
  const heading = make('h3', { textContent: title });
  if (isDemoOnly) heading.append(make('span', { className: 'demo-only', textContent: 'Demo only' }));
  const note = make('div', { className: isDemoOnly ? 'operator-note' : 'operator-note plain' });
  const first = make('p', {});
  const name = make('code', {});
  // a long name breaks after an underscore
  for (const part of code.split(/(?<=_)/)) name.append(part, make('wbr', {}));
  first.append(name);
  note.append(first, make('p', { textContent: text }));
  if (link) note.append(make('a', { href: link, textContent: 'What to do about it', rel: 'noreferrer' }));
  const all = make('div', {});
  all.append(heading, note);
  return all;
}

function make(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
