"""Measure speed and memory.

    python tools/benchmark.py generator configs/_base_/generators/biggan128_in1k.py --random-weights --batch-sizes 1 4 8
    python tools/benchmark.py generator CONFIG --device cuda --precision float32 bfloat16 --compare taps fold precision --out speed.json
    python tools/benchmark.py interpreter configs/_base_/generators/biggan512_in1k.py --random-weights --compare published-order light
    python tools/benchmark.py synthesis configs/synthesis/biggan32_fashion.py
    python tools/benchmark.py masks --sizes 2000 10000 50000
    python tools/benchmark.py retrieval --out retrieval.json
    python tools/benchmark.py online configs/densecl_biggan_fpn_online.py configs/densecl_biggan_fpn.py
    python tools/benchmark.py joint configs/densecl_biggan_fpn.py
    python tools/benchmark.py joint configs/densecl_biggan_fpn_in1k.py --image-size 224 --device cuda

generator: images a second and memory of a generator, bare (the image only) and with feature taps (every feature kept until the pass ends),
for each precision and batch size. CONFIG has generator=dict(...) at the top or in its model. The generator is at rest, as in a synthesis:
eval mode, spectral norms folded, channels last. With --compare also how many times as fast

    taps            a bare pass is as one with feature taps (the default)
    fold            spectral norms folded once are as ones computed in each pass (same network, eval mode)
    channels-last   features that lie in memory pixel by pixel are as ones that lie channel by channel
    precision       each precision is as float32
    cache           VQGAN's drawing of tokens is with the cache of keys and values as without

interpreter: how many times the bare generator's seconds a labelled pass takes (image, features, logits, labels, disagreement), and its
memory. CONFIG is one of configs/interpreter, or a generator's: then the head is the published one. All heads have random weights and are
at rest too. One head is always measured; each --compare adds labellers, and says how many times the seconds and the memory

    published-order one head takes of the same head in the published order: resize and concatenate all features, then reduce
    mlp             one head takes of DatasetGAN's network for each pixel
    ensemble        an ensemble of --members takes of as many heads, on given features; some members at once, of members in turn
    shared-trunk    an ensemble that shares all but the outputs, or all but the last mix blocks, takes of the full ensemble
    light           a lighter head takes of the config's: half its widths and stride=2, or the options after --light

Of an ensemble every figure takes as long as its members together: give --members 4 where 16 take too long.

synthesis: CONFIG is one of configs/synthesis. How many times the bare generator's seconds a kept labelled image takes, with all filters,
the ensemble and the files; how many times as long the naive order takes, every candidate labelled before it is judged; and how many times
as fast --processes are as one, with as many CPU threads each as the config says.

online: how many times the seconds a training takes whose labelled images are made inside it, of one that reads a synthesised dataset; for
a batch of ready images (a joint training's real ones too), and for a whole step. The process that trains loads the images. Where enough
workers load them, an offline training waits for its network only: the third ratio is to such a step, on images that are ready already, and
is the most that online sampling costs.

joint: how many times the seconds a step of joint pre-training takes, of a step of mmpretrain's own method and one of the segmentation
network alone, on the same batches; of DenseCL also both contrastive losses, forwards and backwards, beside mmpretrain's; and the memory.
Each of the two networks has an optimiser of its own, the joint model one for all.

masks: the seconds, and the memory at its peak, of the columns of Table 1, of SD and of the mean shapes, for drawn masks of 256 px, 100 a
class, without the images and the feature network. Wall seconds suffer from what else the machine does, CPU seconds hardly.

retrieval: seconds to build, memory, milliseconds a query and recall@10 of faiss's HNSW and IVF beside the exact Flat, on clustered vectors
(random ones have no neighbours that an index could find); and of SQLite's full-text tables of captions, whole words and substrings.

Every such ratio is the median over at least ten pairs of passes run in turn, with the quartiles beside it; what else the machine does then
slows both alike. Images a second are of the median pass, and do suffer from it: the load average is written down.

Memory is what one pass takes at its peak beyond the weights, and with them. On CUDA: torch's tensors. On a CPU: by how much the resident
memory of a fresh process that did nothing but build the networks grows, libraries' working memory included (Linux only). That differs from
process to process by what the heap holds on to, by up to a third at 512 px: the interpreter's is the median of --memory-runs processes.
"""

from benchmarks.generator import add_generator
from benchmarks.interpreter import add_interpreter
from benchmarks.joint import add_joint
from benchmarks.masks import add_masks
from benchmarks.online import add_online
from benchmarks.retrieval import add_retrieval
from benchmarks.synthesis import add_synthesis

from mmbdg.arguments import Parser
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    add_generator(commands)
    add_interpreter(commands)
    add_masks(commands)
    add_retrieval(commands)
    add_synthesis(commands)
    add_online(commands)
    add_joint(commands)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    with plain_errors():
        main()
