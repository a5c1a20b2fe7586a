interface Markers {
  readonly begin: string;
  readonly end: string;
}

const cpuMarkers: Markers = {
  begin: '<!-- measured: `npm run bench -- --write` replaces what follows -->',
  end: '<!-- end of measured -->',
};

export const gpuMarkers: Markers = {
  begin: '<!-- measured modes: `npm run bench -- --gpu --write` replaces what follows -->',
  end: '<!-- end of measured modes -->',
};

export const networkMarkers: Markers = {
  begin: '<!-- measured: `npm run bench -- --networks --write` replaces what follows -->',
  end: '<!-- end of measured -->',
};

export const accuracyMarkers: Markers = {
  begin: '<!-- measured accuracy: `npm run bench -- --tiling --write` replaces what follows -->',
  end: '<!-- end of measured accuracy -->',
};

export const sizesMarkers: Markers = {
  begin: '<!-- measured sizes: `npm run bench -- --tiling --write` replaces what follows -->',
  end: '<!-- end of measured sizes -->',
};

/**
 * A document with what stands between its markers replaced; the rest stays as it is.
 *
 * @throws Error if the markers are missing
 */
export function replaceMeasured(
  document: string,
  measured: string,
  { begin, end }: Markers = cpuMarkers,
): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document needs the lines ${begin} and ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${measured}\n\n${document.slice(to)}`;
}
