import type { Browser, Page } from 'playwright';

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds on the clock of the thread, which stands still while other work has the processor. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * How long each task of pages' main threads computed while `work` ran, in milliseconds, longest first. Unlike the clock of
 * long-task observers, it does not count what other programs do meanwhile.
 */
export async function mainThreadTasks(
  browser: Browser,
  page: Page,
  work: () => Promise<void>,
): Promise<number[]> {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: readonly TraceEvent[];
  };
  const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(thread),
  );
  return traceEvents
    .filter((event) => event.tdur !== undefined && main.has(thread(event)))
    .map(({ tdur }) => tdur! / 1000)
    .sort((a, b) => b - a);
}
