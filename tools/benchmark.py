"""Measure speed and memory.

    python tools/benchmark.py generator configs/_base_/generators/biggan128_in1k.py --random-weights --batch-sizes 1 4 8
    python tools/benchmark.py generator CONFIG --device cuda --precision float32 bfloat16 --compare taps fold precision --out speed.json

generator: images a second and memory of a generator, bare (the image only) and with feature taps (every feature kept until the pass ends),
for each precision and batch size. CONFIG has generator=dict(...) at the top or in its model. The generator is at rest, as in a synthesis:
eval mode, spectral norms folded, channels last. With --compare also how many times as fast

    taps            a bare pass is as one with feature taps (the default)
    fold            spectral norms folded once are as ones computed in each pass (same network, eval mode)
    channels-last   features that lie in memory pixel by pixel are as ones that lie channel by channel
    precision       each precision is as float32
    cache           VQGAN's drawing of tokens is with the cache of keys and values as without

Every such ratio is the median over at least ten pairs of passes run in turn, with the quartiles beside it; what else the machine does then
slows both alike. Images a second are of the median pass, and do suffer from it: the load average is written down.

Memory is what one pass takes at its peak beyond the weights, and with them. On CUDA: torch's tensors. On a CPU: by how much the resident
memory of a fresh process that did nothing but build the generator grows, libraries' working memory included (Linux only).
"""

import argparse

from benchmarks.generator import add_generator

from mmbdg.errors import plain_errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    add_generator(commands)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    with plain_errors():
        main()
