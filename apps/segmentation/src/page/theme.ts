/** Light or dark: as the system is, until a person chooses otherwise on this page. */
export type Theme = 'light' | 'dark';

const key = 'atrous-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const systemTheme = (): Theme => (system.matches ? 'dark' : 'light');

let chosen = read();

export const theme = (): Theme => chosen ?? systemTheme();

/** Chooses a theme; the system's own is not kept, so that the page follows the system again. */
export function chooseTheme(next: Theme): void {
  chosen = next === systemTheme() ? undefined : next;
  try {
    if (chosen) localStorage.setItem(key, chosen);
    else localStorage.removeItem(key);
  } catch {
    // a page without storage forgets the choice when it is closed
  }
  apply();
}

/** Applies the theme, and calls back when the system's changes. */
export function startTheme(changed: () => void): void {
  apply();
  system.addEventListener('change', changed);
}

function apply(): void {
  const { dataset } = document.documentElement;
  if (chosen) dataset.theme = chosen;
  else delete dataset.theme;
}

function read(): Theme | undefined {
  try {
    const value = localStorage.getItem(key);
    return value === 'light' || value === 'dark' ? value : undefined;
  } catch {
    return undefined;
  }
}
