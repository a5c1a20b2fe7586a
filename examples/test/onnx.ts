/** What PyTorch computes for the picture of the examples: logits at every 16th row and column. */
export const expected = {
  shape: [1, 3, 48, 80],
  logits: [
    0.296977, 0.296584, 0.295892, 0.298036, 0.29963, 0.29855, 0.295435, 0.292736, 0.293576, 0.29448, 0.298191,
    0.295703, 0.293169, 0.294041, 0.294907, 0.254431, 0.254586, 0.254704, 0.254506, 0.253368, 0.254734,
    0.255664, 0.256148, 0.256808, 0.25557, 0.255122, 0.25588, 0.256109, 0.256219, 0.255529, 0.063748,
    0.070974, 0.071938, 0.072435, 0.074226, 0.068747, 0.077575, 0.078867, 0.077695, 0.077772, 0.067223,
    0.077174, 0.078811, 0.078257, 0.077831,
  ],
};

/** The same places of a result. */
export function sampled(logits: ArrayLike<number>): number[] {
  const [, classes, height, width] = expected.shape as [number, number, number, number];
  const values: number[] = [];
  for (let c = 0; c < classes; c++)
    for (let y = 0; y < height; y += 16)
      for (let x = 0; x < width; x += 16) values.push(logits[(c * height + y) * width + x]!);
  return values;
}
