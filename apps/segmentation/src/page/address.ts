/** What the address asks for: `#view?parameters`. */
export interface Address {
  readonly view: string;
  readonly parameters: URLSearchParams;
}

/** Reads the part of an address behind `#`, with or without the sign. */
export function readAddress(hash: string): Address {
  const [view = '', ...rest] = hash.replace(/^#/, '').split('?');
  return { view, parameters: new URLSearchParams(rest.join('?')) };
}

/** Writes what `readAddress` reads. */
export function writeAddress({ view, parameters }: Address): string {
  const text = parameters.toString();
  return text ? `#${view}?${text}` : `#${view}`;
}
