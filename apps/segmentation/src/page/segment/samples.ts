/** A picture that comes with the page. */
export interface Sample {
  readonly name: string;
  readonly title: string;
  readonly url: URL;
  /** Reference: white where there is water. */
  readonly mask?: URL;
  /** The model that it is for. */
  readonly model: 'water' | 'deeplabv3-mobilenetv2';
}

/** The first is shown at the start. */
export const samples: readonly Sample[] = [
  {
    name: 'sample.png',
    title: 'Africa and Europe from above',
    url: new URL('../../../assets/sample.png', import.meta.url),
    mask: new URL('../../../assets/sample-mask.png', import.meta.url),
    model: 'water',
  },
  {
    name: 'sample-north.png',
    title: 'Northern Europe from above',
    url: new URL('../../../assets/sample-north.png', import.meta.url),
    mask: new URL('../../../assets/sample-north-mask.png', import.meta.url),
    model: 'water',
  },
  {
    name: 'photo-cat.jpg',
    title: 'A cat',
    url: new URL('../../../assets/photo-cat.jpg', import.meta.url),
    model: 'deeplabv3-mobilenetv2',
  },
  {
    name: 'photo-astronaut.jpg',
    title: 'An astronaut',
    url: new URL('../../../assets/photo-astronaut.jpg', import.meta.url),
    model: 'deeplabv3-mobilenetv2',
  },
];

/** @throws Error naming the address that does not answer */
export async function fetchSample(url: URL, signal: AbortSignal): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new Error(`the sample cannot be loaded from ${url.pathname}: there is no connection`, { cause });
  }
  if (!response.ok) throw new Error(`the sample cannot be loaded: ${url.pathname} gives ${response.status}`);
  return await response.blob();
}
