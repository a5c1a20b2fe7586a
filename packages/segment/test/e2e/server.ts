import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.png': 'image/png',
};

export interface StaticServer {
  readonly address: string;
  readonly requested: string[];
  close(): void;
}

/** Serves files as a static host does. `change` may replace what a path gives. */
export async function serveFolder(
  root: string,
  headers: Readonly<Record<string, string>> = {},
  change: (path: string) => string | undefined = () => undefined,
): Promise<StaticServer> {
  const requested: string[] = [];
  const server = createServer(async ({ url = '/' }, response) => {
    const path = decodeURIComponent(new URL(url, 'http://host').pathname);
    requested.push(path);
    try {
      const content = change(path) ?? (await readFile(join(root, normalize(path))));
      response.writeHead(200, {
        'content-type': types[extname(path)] ?? 'application/octet-stream',
        ...headers,
      });
      response.end(content);
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requested,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
