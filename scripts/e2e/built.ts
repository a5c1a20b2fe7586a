import { inject } from 'vitest';

const error = inject('buildError');
if (error) throw new Error(`building the app failed\n${error}`);
