export const help = `Receptive fields of networks with dilated convolution: size, coverage, gridding, search, tile halo.

usage
  rf <layers> [options]                a report on a list of layers
  rf <file.json> [options]             on layers or a graph in a file
  rf <layers> --compare "<layers>" …   side by side
  rf search --kernel 3 --layers 4 --field 31
                                       hole-free dilation schedules, best first
  rf repair 2,2,2 [--kernel 3] [--keep-field]
                                       the nearest schedule without holes
  rf convert <layers> --output-stride 8
                                       strides into dilation, the same field
  rf tradeoffs --field 31              pooling, strides and dilation that reach one field
  rf halo <layers> [--tile 512]        overlap and alignment for exact tiled inference

layers
  3x3d2  1x7  5s2p1                    convolution: d dilation, s stride, p padding, c channels, g groups;
                                       without p the padding is centred
  max2x2  avg3s2  transposed4x4s2  nearest2  linear2  pad1  crop1  global
  3x3 d2 x3                            apart, and three times
  3x3 d1,2,5                           one layer for each rate
  [ 1x1 | 3x3d6 | global ]             branches; an empty one is the identity
  ( 3x3 3x3d2 ) x2                     a group, twice
  file.json                            [layers], { "layers": […], "inputSize": 33 } or { "nodes": […], … }

options
  --input-size 33 | 33x65              size of the map: output sizes, taps on the map, padding
  --ndim 1 | 2 | 3                     spatial axes (default: from the kernels, else 2)
  --compare "<layers>"                 another network beside it; may be repeated
  --json | --markdown                  instead of text
  --svg out.svg                        draws a picture as well
  --figure coverage | growth | paths   which one (default coverage)
  --check                              exit code 1 if there are holes
  search: --kernel 3 | 3,3,5  --layers 4 | 2-5  --field 31 | 25-35  --stride 4 | 2,1,1
          --max-dilation 16  --max-macs 36  --rank evenness | cost  --limit 10 | all
  repair: --kernel, --stride, --keep-field
  tradeoffs: --kernel, --channels 64, --input-size 256, --ndim
  --help, --version

examples
  rf 3x3d1 3x3d2 3x3d5
  rf "3x3 d2 x3" --compare "3x3 d1,2,3" --svg gridding.svg
  rf "7x7s2 max3x3s2 3x3 [ 1x1 | 3x3d6 | 3x3d12 | global 1x1 ]" --input-size 129
  rf search --kernel 3 --layers 4 --field 31
  rf halo "( 3x3 3x3d2 ) x4" --tile 256

exit codes: 0 fine; 1 a network that makes no sense, a file that cannot be read, or holes with --check; 2 wrong usage`;
