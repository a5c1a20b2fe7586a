import { writeFileSync } from 'node:fs';
import type { DType, Values } from '@atrous/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openPicture, rawSource, tiffSink } from '../src/files/index.js';
import { arrayOf, elements } from '../src/region.js';
import { scratch } from './support/folder.js';
import { gdal, gdalinfo, hasGdal, withGdal } from './support/gdal.js';

const at = scratch();
const [height, width] = [150, 203];
const types: Readonly<Record<string, 'uint8' | 'uint16' | 'int16' | 'int32' | 'float32' | 'float64'>> = {
  Byte: 'uint8',
  UInt16: 'uint16',
  Int16: 'int16',
  Int32: 'int32',
  Float32: 'float32',
  Float64: 'float64',
};

const sample = (band: number, y: number, x: number) => (x * band + y * 3 + ((x * y) % 7)) % 251;

/** A picture with three bands of those samples, made by GDAL from text. */
function base(): void {
  const header = 'ncols 203\nnrows 150\nxllcorner 0\nyllcorner 0\ncellsize 1\n';
  for (const band of [1, 2, 3]) {
    const rows = Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_, x) => sample(band, y, x)).join(' '),
    );
    writeFileSync(at(`band${band}.asc`), `${header}${rows.join('\n')}\n`);
    gdal('gdal_translate', '-q', '-ot', 'Byte', at(`band${band}.asc`), at(`band${band}.tif`));
  }
  gdal('gdalbuildvrt', '-q', '-separate', at('base.vrt'), ...[1, 2, 3].map((band) => at(`band${band}.tif`)));
}

/** Its samples, bands one after the other. */
const samples = (dtype: DType): Values =>
  new arrayOf[dtype](3 * height * width).map((_: number, i: number) =>
    sample(Math.floor(i / (height * width)) + 1, Math.floor(i / width) % height, i % width),
  );

/** All samples as GDAL sees them, bands one after the other. */
async function asGdalSees(path: string, type: string, shape: readonly number[]): Promise<Values> {
  gdal('gdal_translate', '-q', '-of', 'ENVI', '-co', 'INTERLEAVE=BSQ', path, at('seen.raw'));
  const source = await rawSource(at('seen.raw'), { shape, type: types[type]! });
  const values = await source.read({ start: [0, 0], size: shape.slice(2) }, {});
  await source.close();
  return values;
}

describe.skipIf(!hasGdal)(`files that GDAL writes${withGdal}`, () => {
  beforeAll(base);

  test.each([
    ['strips', 'Byte', []],
    ['one row per strip', 'Byte', ['BLOCKYSIZE=1']],
    ['tiles', 'Byte', ['TILED=YES', 'BLOCKXSIZE=64', 'BLOCKYSIZE=32']],
    ['bands apart', 'UInt16', ['TILED=YES', 'BLOCKXSIZE=64', 'BLOCKYSIZE=64', 'INTERLEAVE=BAND']],
    ['strips of bands apart', 'Int16', ['INTERLEAVE=BAND', 'COMPRESS=LZW']],
    ['Deflate', 'Byte', ['COMPRESS=DEFLATE', 'TILED=YES']],
    ['Deflate, predictor 2', 'UInt16', ['COMPRESS=DEFLATE', 'PREDICTOR=2']],
    ['Deflate, predictor 3', 'Float32', ['COMPRESS=DEFLATE', 'PREDICTOR=3', 'TILED=YES']],
    ['Deflate, predictor 3, doubles', 'Float64', ['COMPRESS=DEFLATE', 'PREDICTOR=3']],
    ['LZW', 'Byte', ['COMPRESS=LZW']],
    ['LZW, predictor 2, tiles', 'Int32', ['COMPRESS=LZW', 'PREDICTOR=2', 'TILED=YES']],
    ['PackBits', 'Byte', ['COMPRESS=PACKBITS']],
    ['Zstandard', 'Float32', ['COMPRESS=ZSTD', 'TILED=YES']],
    ['LERC without loss', 'Float32', ['COMPRESS=LERC', 'TILED=YES']],
    ['BigTIFF', 'Byte', ['BIGTIFF=YES', 'TILED=YES']],
    ['big-endian', 'UInt16', ['ENDIANNESS=BIG']],
    [
      'big-endian BigTIFF',
      'Float32',
      ['ENDIANNESS=BIG', 'BIGTIFF=YES', 'TILED=YES', 'BLOCKXSIZE=16', 'BLOCKYSIZE=16'],
    ],
    ['big-endian, LZW, predictor 2', 'Int16', ['ENDIANNESS=BIG', 'COMPRESS=LZW', 'PREDICTOR=2']],
    // big-endian with predictor 3 is left out: GDAL 3.6 cannot read back what it writes
  ])('%s (%s)', async (_, type, options) => {
    gdal(
      'gdal_translate',
      '-q',
      '-ot',
      type,
      ...options.flatMap((option) => ['-co', option]),
      at('base.vrt'),
      at('in.tif'),
    );
    const source = await openPicture(at('in.tif'), { cacheBytes: 50_000 });
    expect(source).toMatchObject({ format: 'tiff', shape: [1, 3, height, width] });
    const want = samples(source.dtype);
    expect(await source.read({ start: [0, 0], size: [height, width] }, {})).toEqual(want);
    const [y, x, h, w] = [61, 57, 40, 90];
    const box = await source.read({ start: [y, x], size: [h, w] }, {});
    for (const i of [0, 1, h * w - 1, h * w, 3 * h * w - 1]) {
      const [band, row, column] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
      expect(box[i]).toBe(want[(band * height + y + row) * width + x + column]);
    }
    await source.close();
  });

  test('JPEG in a TIFF, within what its decoders differ', async () => {
    gdal(
      'gdal_translate',
      '-q',
      '-co',
      'COMPRESS=JPEG',
      '-co',
      'JPEG_QUALITY=95',
      '-co',
      'TILED=YES',
      '-co',
      'INTERLEAVE=BAND',
      at('base.vrt'),
      at('in.tif'),
    );
    const want = await asGdalSees(at('in.tif'), 'Byte', [1, 3, height, width]);
    const source = await openPicture(at('in.tif'));
    const got = await source.read({ start: [0, 0], size: [height, width] }, {});
    let worst = 0;
    for (const [i, value] of want.entries()) worst = Math.max(worst, Math.abs(value - got[i]!));
    expect(worst).toBeLessThanOrEqual(3);
    await source.close();
  });

  test('bands by choice, overviews ignored, nodata reported and filled in where nothing was written', async () => {
    gdal('gdal_translate', '-q', '-a_nodata', '7', '-co', 'TILED=YES', at('base.vrt'), at('in.tif'));
    gdal('gdaladdo', '-q', at('in.tif'), '2', '4');
    const want = samples('uint8');
    const source = await openPicture(at('in.tif'), { bands: [2, 0], dtype: 'float32' });
    expect(source).toMatchObject({
      shape: [1, 2, height, width],
      dtype: 'float32',
      georeference: { nodata: 7 },
    });
    const values = await source.read({ start: [0, 0], size: [height, width] }, {});
    const plane = height * width;
    expect(values.slice(0, plane)).toEqual(Float32Array.from(want.slice(2 * plane)));
    expect(values.slice(plane)).toEqual(Float32Array.from(want.slice(0, plane)));
    await source.close();
    gdal(
      'gdal_create',
      '-q',
      '-outsize',
      '40',
      '40',
      '-bands',
      '1',
      '-a_nodata',
      '9',
      '-co',
      'SPARSE_OK=TRUE',
      at('sparse.tif'),
    );
    const sparse = await openPicture(at('sparse.tif'));
    expect(new Set(await sparse.read({ start: [3, 3], size: [5, 5] }, {}))).toEqual(new Set([9]));
    await sparse.close();
  });

  test.each([
    ['YCbCr', ['COMPRESS=JPEG', 'PHOTOMETRIC=YCBCR'], /PHOTOMETRIC=RGB/],
    ['one bit', ['NBITS=1'], /samples of 1 bits.*gdal_translate -ot/],
  ])('%s is refused with what to do', async (_, options, message) => {
    gdal(
      'gdal_translate',
      '-q',
      ...options.flatMap((option) => ['-co', option]),
      '-scale',
      '0',
      '250',
      '0',
      '1',
      at('base.vrt'),
      at('in.tif'),
    );
    await expect(openPicture(at('in.tif'))).rejects.toThrow(message);
  });
});

describe.skipIf(!hasGdal)(`files that GDAL reads${withGdal}`, () => {
  beforeAll(base);
  const place = (...args: string[]) =>
    gdal('gdal_translate', '-q', ...args, at('base.vrt'), at('placed.tif'));
  const numbers = (count: number, dtype: DType) =>
    new arrayOf[dtype](count).map((_: number, i: number) => (i * 37) % 200);

  async function write(
    name: string,
    shape: readonly number[],
    dtype: DType,
    options: Parameters<typeof tiffSink>[1],
  ) {
    const values = numbers(elements(shape), dtype);
    const sink = tiffSink(at(name), options);
    await sink.write({ start: [0, 0], size: shape.slice(2) }, values, { shape, dtype });
    await sink.close();
    return values;
  }

  test.each([
    ['Byte', 'uint8', 1],
    ['Byte', 'uint8', 3],
    ['Byte', 'uint8', 4],
    ['Int32', 'int32', 2],
    ['Float32', 'float32', 5],
  ] as const)('%s × bands: the same samples, also converted', async (type, dtype, bands) => {
    const shape = [1, bands, 90, 130];
    const want = await write('out.tif', shape, dtype, { tile: 64 });
    const info = gdalinfo(at('out.tif'));
    expect(info.size).toEqual([130, 90]);
    expect(info.bands).toHaveLength(bands);
    expect(info.bands[0]).toMatchObject({ type, block: [64, 64] });
    gdal('gdal_translate', '-q', '-co', 'COMPRESS=DEFLATE', at('out.tif'), at('converted.tif'));
    expect(await asGdalSees(at('converted.tif'), type, shape)).toEqual(want);
  });

  test.each([
    ['EPSG:4326', ['-a_ullr', '8.5', '47.5', '9.5', '46.75'], 4326],
    ['EPSG:32632', ['-a_ullr', '500000', '5200000', '502030', '5198500'], 32632],
  ])('%s, transform, nodata and metadata survive', async (code, corners, epsg) => {
    place('-a_srs', code, ...corners, '-a_nodata', '0', '-mo', 'SENSOR=seven', '-mo', 'NOTE=a < b');
    const before = gdalinfo(at('placed.tif'));
    const { georeference, close } = await openPicture(at('placed.tif'));
    await close();
    await write('out.tif', [1, 1, height, width], 'uint8', { georeference });
    const after = gdalinfo(at('out.tif'));
    expect(after.coordinateSystem.wkt).toBe(before.coordinateSystem.wkt);
    expect(after.coordinateSystem.wkt).toContain(`"EPSG",${epsg}`);
    expect(after.geoTransform).toEqual(before.geoTransform);
    expect(after.bands[0].noDataValue).toBe(0);
    expect(after.metadata['']).toMatchObject({ SENSOR: 'seven', NOTE: 'a < b' });
  });

  test.each(['Area', 'Point'])(
    'a result of a quarter of the size lies at the same place (pixel is %s)',
    async (meaning) => {
      place(
        '-a_srs',
        'EPSG:32632',
        '-a_ullr',
        '500000',
        '5200000',
        '502030',
        '5198500',
        '-mo',
        `AREA_OR_POINT=${meaning}`,
      );
      const { georeference, close } = await openPicture(at('placed.tif'));
      await close();
      await write('out.tif', [1, 1, 38, 51], 'uint8', { georeference, step: [4, 4] });
      const [x, dx, , y, , dy] = gdalinfo(at('out.tif')).geoTransform;
      expect([dx, dy]).toEqual([40, -40]);
      expect(x).toBeCloseTo(500000, 6);
      expect(y).toBeCloseTo(5200000, 6);
    },
  );

  test('a rotated transform is scaled', async () => {
    place('-a_srs', 'EPSG:32632');
    gdal('gdal_translate', '-q', at('base.vrt'), at('turned.vrt'), '-of', 'VRT');
    const { readFileSync } = await import('node:fs');
    const vrt = readFileSync(at('turned.vrt'), 'utf8')
      .replace(/<GeoTransform>.*<\/GeoTransform>/, '')
      .replace('>', '><SRS>EPSG:32632</SRS><GeoTransform>500000, 3, 1, 5200000, 1, -3</GeoTransform>');
    writeFileSync(at('turned.vrt'), vrt);
    gdal('gdal_translate', '-q', at('turned.vrt'), at('turned.tif'));
    const { georeference, close } = await openPicture(at('turned.tif'));
    await close();
    expect(georeference?.transformation).toHaveLength(16);
    await write('out.tif', [1, 1, 75, 203], 'uint8', { georeference });
    expect(gdalinfo(at('out.tif')).geoTransform).toEqual([500000, 3, 2, 5200000, 1, -6]);
  });

  test('class colours, and a nodata value that uint8 does not hold is left out', async () => {
    place('-ot', 'Float32', '-a_nodata', '-9999');
    const { georeference, close } = await openPicture(at('placed.tif'));
    await close();
    expect(georeference?.nodata).toBe(-9999);
    await write('out.tif', [1, 1, height, width], 'uint8', {
      georeference,
      palette: [
        [0, 0, 0],
        [230, 159, 0],
        [86, 180, 233],
      ],
    });
    const [band] = gdalinfo(at('out.tif')).bands;
    expect(band.colorInterpretation).toBe('Palette');
    expect(band.colorTable.entries.slice(0, 3)).toEqual([
      [0, 0, 0, 255],
      [230, 159, 0, 255],
      [86, 180, 233, 255],
    ]);
    expect(band.noDataValue).toBeUndefined();
    await write('floats.tif', [1, 1, height, width], 'float32', { georeference });
    expect(gdalinfo(at('floats.tif')).bands[0].noDataValue).toBe(-9999);
  });

  test('above 4 GiB it is BigTIFF, and takes room on the disk only where it was written', async () => {
    const shape = [1, 1, 70_000, 70_000];
    const sink = tiffSink(at('large.tif'));
    await sink.write({ start: [69_990, 69_980], size: [10, 20] }, new Uint8Array(200).fill(5), {
      shape,
      dtype: 'uint8',
    });
    await sink.close();
    expect(gdalinfo(at('large.tif')).size).toEqual([70_000, 70_000]);
    expect(gdal('gdallocationinfo', '-valonly', at('large.tif'), '69999', '69999').trim()).toBe('5');
    const source = await openPicture(at('large.tif'));
    expect([...(await source.read({ start: [69_999, 69_979], size: [1, 3] }, {}))]).toEqual([0, 5, 5]);
    await source.close();
  });
});
