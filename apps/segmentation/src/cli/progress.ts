/** What progress is written to: standard error, which is free of the results. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  /** A stage begins. */
  stage(name: string): void;
  /** Within a stage: how far, from 0 to 1, and what to tell. */
  update(fraction: number, detail: string): void;
  /** A line that stays. */
  note(line: string): void;
  /** Nothing more comes; leaves the terminal clean. */
  end(): void;
}

/** How much a person wants to see: on a terminal always a bar. */
export type ProgressDetail = 'some' | 'every tile' | 'none';

/** A bar that redraws itself on a terminal, plain lines anywhere else. */
export function progressOn(stream: ProgressStream, detail: ProgressDetail): Progress {
  if (detail === 'none') return { stage() {}, update() {}, note() {}, end() {} };
  return stream.isTTY && process.env.TERM !== 'dumb' ? bar(stream) : lines(stream, detail === 'some');
}

const percent = (fraction: number) => `${Math.floor(fraction * 100 + 1e-9)} %`;

function bar(stream: ProgressStream): Progress {
  const width = 20;
  let name = '';
  const draw = (text: string) => {
    const columns = Math.max((stream.columns || 80) - 1, 20);
    stream.write(`\r\x1b[K${text.slice(0, columns)}`);
  };
  return {
    stage(next) {
      name = next;
      draw(`${name} …`);
    },
    update(fraction, detail) {
      const full = Math.round(fraction * width);
      draw(
        `${name} ${'█'.repeat(full)}${'░'.repeat(width - full)} ${percent(fraction).padStart(5)}  ${detail}`,
      );
    },
    note(line) {
      draw('');
      stream.write(`${line}\n`);
    },
    end: () => draw(''),
  };
}

/** @param seldom a line for every tenth at most, instead of for every update */
function lines(stream: ProgressStream, seldom: boolean): Progress {
  let name = '';
  let shown = 0;
  return {
    stage(next) {
      name = next;
      shown = 0;
      stream.write(`${name} …\n`);
    },
    update(fraction, detail) {
      const tenth = Math.floor(fraction * 10 + 1e-9);
      if (seldom && tenth === shown) return;
      shown = tenth;
      stream.write(`${name} ${percent(fraction)} (${detail})\n`);
    },
    note: (line) => stream.write(`${line}\n`),
    end() {},
  };
}
