/** What the page's frame gives to the view that it shows. */
export interface ViewContext {
  /** What the address carries behind `#view?`, so that a link shows the same again. */
  readonly parameters: URLSearchParams;
  /** Writes it back to the address, without a new entry in the history. */
  setParameters(parameters: URLSearchParams): void;
  /** Says something politely to people who cannot see the page. */
  announce(message: string): void;
  /** Shows an error above the view until it is dismissed. */
  fail(error: unknown): void;
}

/**
 * One view of the page; a module of its own that is loaded when it is first shown.
 *
 * @param root an empty element that belongs to the view
 * @returns ends the view: its work is cancelled, its listeners are removed
 */
export type MountView = (root: HTMLElement, context: ViewContext) => () => void;
