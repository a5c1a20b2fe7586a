import type { Browser, BrowserContextOptions, LaunchOptions, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { launch, newPage, servePage } from './page-fixture.js';

export interface BuiltPage {
  readonly server: Awaited<ReturnType<typeof servePage>>;
  readonly browser: Browser;
  /** A new one for every test, which may put another in its place. */
  page: Page;
  /** What the page complains about; a test takes out what it expects. */
  complaints: string[];
}

/** The built page for the tests of one `describe`; none may leave a complaint behind. */
export function useBuiltPage(options: BrowserContextOptions = {}, launched: LaunchOptions = {}): BuiltPage {
  const built = { complaints: [] as string[] } as { -readonly [Key in keyof BuiltPage]: BuiltPage[Key] };
  beforeAll(async () => {
    built.server = await servePage();
    built.browser = await launch(launched);
  });
  afterAll(async () => {
    await built.browser?.close();
    await built.server?.close();
  });
  beforeEach(async () => {
    built.complaints = [];
    built.page = await newPage(built.browser, built.complaints, options);
  });
  afterEach(async () => {
    await built.page.context().close();
    expect(built.complaints).toEqual([]);
  });
  return built;
}
