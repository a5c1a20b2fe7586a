/** The weights that come with the package. This module lies as deep as the built files do, so one path serves both. */
export const waterWeights: URL = new URL('../assets/water-net.safetensors', import.meta.url);
