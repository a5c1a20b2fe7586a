/** Numbers as the view writes them. */
export const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;

export const milliseconds = (time: number): string =>
  `${time < 10 ? time.toFixed(1) : Math.round(time).toLocaleString('en')} ms`;

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
