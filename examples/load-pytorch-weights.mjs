// Loads weights that PyTorch saved into ASPP and runs it.
//
// In Python: safetensors.torch.save_file(model.state_dict(), "aspp.safetensors")
import { readFile } from 'node:fs/promises';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { aspp, describe, loadParameters } from '@atrous/blocks';
import { compile, cpu, input, zeros } from '@atrous/core';
import { readSafetensors } from '@atrous/core/safetensors';

/** The output for `x` `[N, 24, H, W]`, by the weights of a file. */
export async function run(path, x) {
  const network = aspp({ inChannels: 24, depth: 16 });
  const parameters = loadParameters(network, readSafetensors(await readFile(path)).tensors);
  console.log(String(describe(network, x.shape)));

  const backend = await cpu();
  const program = await compile((x) => network.apply(parameters, x), input(x.shape), { backend });
  const y = await program.run(x);
  await backend.dispose();
  return y;
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const y = await run(argv[2] ?? 'aspp.safetensors', zeros([1, 24, 33, 33]));
  console.log(`output [${y.shape}], first values ${y.dataSync().slice(0, 4).join(', ')}`);
}
