import { execFileSync, spawnSync } from 'node:child_process';

/** Whether the programs of Debian's gdal-bin are there. */
export const hasGdal = spawnSync('gdalinfo', ['--version']).status === 0;
export const withGdal = hasGdal ? '' : ' (needs gdalinfo: apt install gdal-bin)';

export const gdal = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

export const gdalinfo = (path: string, ...more: string[]) =>
  JSON.parse(gdal('gdalinfo', '-json', ...more, path));
