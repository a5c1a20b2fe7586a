/** The page's frame: shows the view that the address names. */
import './style.css';
import './parts.css';
import { render } from 'lit-html';
import { readAddress, writeAddress } from './address.js';
import { announcer } from './announcer.js';
import { keepForOffline } from './offline.js';
import { chooseTheme, startTheme, theme } from './theme.js';
import { type FrameActions, type FrameState, frame } from './view-frame.js';
import { type ViewEntry, views } from './views.js';

const root = document.querySelector<HTMLElement>('#app')!;
const announce = announcer();

let state: FrameState = { view: viewOf(location.hash), theme: theme(), failures: [], loading: true };
/** Ends the view that is shown. */
let end: () => void = () => undefined;
/** Counts what was asked for, so that a module that arrives late is not shown. */
let asked = 0;

const actions: FrameActions = {
  dismiss() {
    update({ failures: [] });
    document.querySelector<HTMLElement>('#content')!.focus();
  },
  setTheme(next) {
    chooseTheme(next);
    update({ theme: theme() });
  },
};

function viewOf(hash: string): ViewEntry {
  const { view } = readAddress(hash);
  return views.find(({ name }) => name === view) ?? views[0]!;
}

function update(change: Partial<FrameState>): void {
  state = { ...state, ...change };
  document.title = `${state.view.title} · atrous`;
  render(frame(state, actions), root);
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  if (!state.failures.includes(message)) update({ failures: [...state.failures, message] });
}

/** Ends the view that is shown and shows the one that the address names. */
async function show(): Promise<void> {
  const own = ++asked;
  const { parameters } = readAddress(location.hash);
  const view = viewOf(location.hash);
  end();
  end = () => undefined;
  update({ view, loading: true, failures: [] });
  const element = document.querySelector<HTMLElement>('#view')!;
  element.replaceChildren();
  try {
    const { mount } = await view.load();
    if (own !== asked) return;
    update({ loading: false });
    // lit keeps its state in the element that it renders into: every view gets a new one
    const place = document.createElement('div');
    element.append(place);
    end = mount(place, {
      parameters,
      setParameters(changed) {
        if (own === asked)
          history.replaceState(history.state, '', writeAddress({ view: view.name, parameters: changed }));
      },
      announce,
      fail: (error) => {
        if (own === asked) fail(error);
      },
    });
  } catch (error) {
    if (own !== asked) return;
    update({ loading: false });
    fail(error);
  }
}

addEventListener('hashchange', () => {
  void show();
  document.querySelector<HTMLElement>('#content')!.focus();
});
// what no view has caught is shown too
addEventListener('unhandledrejection', ({ reason }) => fail(reason));
addEventListener('error', ({ error }) => {
  if (error) fail(error);
});
startTheme(() => update({ theme: theme() }));
void show();
keepForOffline();
