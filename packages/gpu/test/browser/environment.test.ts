import { expect, test } from 'vitest';

test('the page is isolated and has WebGL2 with float targets', () => {
  expect(crossOriginIsolated).toBe(true);
  const gl = document.createElement('canvas').getContext('webgl2');
  expect(gl?.getExtension('EXT_color_buffer_float')).toBeTruthy();
});
