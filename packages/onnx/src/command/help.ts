export const help = `Runs ONNX networks, and shows their receptive field and cost.

usage
  atrous-onnx run <model.onnx> --input x.npy --output y.npy
  atrous-onnx inspect <model.onnx> [--shape image=1,3,257,257]

run
  --input x.npy | name=x.npy           a value, by name where the network takes several; may be repeated
  --output y.npy | name=y.npy          where to write; may be repeated; without a name the first output
  --output folder/                     every output, as folder/name.npy
  --backend cpu | gpu | reference      default cpu; gpu needs the package @atrous/gpu beside this one
  --threads 4                          of the cpu backend; default: all cores, at most 8
  --profile                            prints each step's time
  --json                               what ran and how long it took, as JSON

inspect
  --shape name=1,3,257,257             size of an input; may be repeated; default: what the file declares
  --output name                        which output's receptive field; default the first
  --input name                         and of which input; default the first
  --layers                             the table of all layers as well
  --check                              exit code 1 if something is unsupported or the field has holes
  --json

both
  --any-size                           also sizes that the file does not declare
  --help, --version

examples
  atrous-onnx run deeplab.onnx --input photo.npy --output logits.npy
  atrous-onnx run two.onnx --input left=a.npy --input right=b.npy --output results/
  atrous-onnx inspect meshnet.onnx --shape volume=1,1,64,64,64 --layers

exit codes: 0 fine; 1 a file that cannot be read or run, or a finding with --check; 2 wrong usage`;
