"""Measure the speed and the memory of generators, interpreters, syntheses, trainings and analyses.

    python tools/benchmark.py generator configs/_base_/generators/biggan128_in1k.py --random-weights --batch-sizes 1 4 8
    python tools/benchmark.py generator CONFIG --device cuda --precision float32 bfloat16 --compare taps fold precision --out speed.json
    python tools/benchmark.py interpreter configs/_base_/generators/biggan512_in1k.py --random-weights --compare published-order light
    python tools/benchmark.py generator configs/_base_/generators/biggan512_in1k.py --random-weights --compare coarse --until blocks.2.0
    python tools/benchmark.py synthesis configs/synthesis/biggan32_fashion.py
    python tools/benchmark.py masks --sizes 2000 10000 50000
    python tools/benchmark.py retrieval --out retrieval.json
    python tools/benchmark.py online configs/densecl_biggan_fpn_online.py configs/densecl_biggan_fpn.py
    python tools/benchmark.py joint configs/densecl_biggan_fpn.py
    python tools/benchmark.py step configs/transfer/colour/unet_32px.py --threads 1
    python tools/benchmark.py paste configs/transfer/fashion/mask-rcnn_r18_fpn_scenes_paste.py --cfg-options real_photos=100
    python tools/benchmark.py joint configs/densecl_biggan_fpn_in1k.py --image-size 224 --device cuda
    python tools/benchmark.py own --out mmbdg/own_images/costs.json

generator
    Images per second and memory of a generator, without features ("bare") and with feature taps (all features kept until the pass ends),
    for each precision and batch size. CONFIG has generator=dict(...) at the top level or in its model. The generator is frozen as in a
    synthesis: eval mode, folded spectral norms, channels-last memory format. --compare adds speed ratios (how many times as fast):

    taps            a bare pass, compared with a pass with feature taps (the default)
    fold            spectral norms folded once, compared with spectral norms computed in every pass (same network, eval mode)
    channels-last   channels-last memory format, compared with the contiguous format
    precision       each precision, compared with float32
    coarse          a whole pass, compared with one that stops after the block --until, as in early rejection
    cache           VQGAN: sampling tokens with the cache of keys and values, compared with sampling without it

interpreter
    Time of a labelled pass (image, features, logits, labels, disagreement) as a multiple of the bare generator's time, and its memory.
    CONFIG is one of configs/interpreter, or a generator config; the latter uses the published head. All heads are frozen and have random
    weights. One head is always measured. --compare adds labellers, with their ratios of time and memory:

    published-order one head, compared with the same head in the published order: resize and concatenate all features, then reduce
    mlp             one head, compared with DatasetGAN's network for each pixel
    ensemble        an ensemble of --members, compared with the same number of separate heads; several members in one batched call,
                    compared with one member after another; both on features that are already computed
    shared-trunk    an ensemble that shares all layers but the outputs, and one that shares all but the last mix blocks, compared with the
                    full ensemble
    light           a lighter head (half the widths and stride=2, or the options after --light), compared with the head of the config

    The time of an ensemble is that of all its members together. Use --members 4 if 16 take too long.

synthesis
    CONFIG is one of configs/synthesis. Each process has the number of CPU threads that the config sets. --compare chooses the ratios:

    filters         the time of a kept labelled image (with all filters, the ensemble and the writing of files), compared with a bare image
    order           the naive order, in which every candidate is labelled before any filter, compared with the usual order
    early           early rejection, compared with the same without it: for a kept labelled image, and for all steps before the labels
    processes       --processes, compared with one process

online
    Time of a training that makes its labelled images itself, compared with a training that reads a synthesised dataset: for loading one
    batch (including the real images of a joint training), and for a whole step. The training process also loads the images. With enough
    worker processes an offline training does not wait for its images. The third ratio compares with such a step, whose batch is already
    loaded; it is the upper bound of the cost of online sampling.

joint
    Time of a step of joint pre-training, compared with a step of mmpretrain's own method plus a step of the segmentation network alone,
    on the same batches; and the memory. For DenseCL also the time of both contrastive losses (forward and backward), compared with
    mmpretrain's. Each of the two separate networks has its own optimizer; the joint model has one for all parameters.

step
    Time of a training step on a loaded batch (forward, backward, optimizer), compared with the same step with --amp, --channels-last or
    both of tools/train.py. Whether they are faster depends on the network and the processor.

paste
    Time to load training samples with pasted objects (mmbdg.PasteObjects), compared with the same pipeline without pasting. One process
    loads the samples, without the data preprocessor.

masks
    Time and peak memory of three analyses of masks: the columns of Table 1, SD and the mean shapes. The masks are drawn, 256 px, 100 per
    class. Images and the feature network are not used. Other load on the machine changes the wall time, but hardly the CPU time.

retrieval
    Time to build, memory, time of a query and recall@10 of faiss's HNSW and IVF, compared with the exact Flat, on clustered vectors: an
    index finds no neighbours among random ones. The same of SQLite's full-text tables of captions, for whole words and substrings.

own
    What one iteration of each step of configs/own costs, with ten classes and random weights and images: floating point operations, counted
    for all budgets and resolutions, and CPU seconds of one thread, without the loading of images, for --timed-budgets and --timed. The file
    mmbdg/own_images/costs.json is the output of this command.

Each ratio is the median over at least ten interleaved pairs of passes, with its quartiles; other load on the machine slows both passes of a
pair. Images per second are computed from the median pass and do depend on other load, so the load average is recorded.

Memory is the peak of one pass, without and with the weights. On CUDA it is the memory of torch's tensors. On a CPU (Linux only) it is the
growth of the resident memory of a new process that has only built the networks; it includes the working memory of libraries. It varies
between processes because the heap keeps freed memory, by up to a third at 512 px. The sub-command interpreter therefore reports the median
of --memory-runs processes.
"""

from benchmarks.generator import add_generator
from benchmarks.interpreter import add_interpreter
from benchmarks.joint import add_joint
from benchmarks.masks import add_masks
from benchmarks.online import add_online
from benchmarks.own import add_own
from benchmarks.paste import add_paste
from benchmarks.retrieval import add_retrieval
from benchmarks.step import add_step
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
    add_step(commands)
    add_paste(commands)
    add_own(commands)
    args = parser.parse_args()
    args.run(args)


if __name__ == '__main__':
    with plain_errors():
        main()
