"""BigGAN-sim: 100 samples of each ImageNet class at 512 px, as in the paper (section 3.2).

    python tools/synthesize.py configs/synthesis/biggan512_in1k.py data/biggan_sim_100k --device cuda
    torchrun --nproc_per_node=8 tools/synthesize.py configs/synthesis/biggan512_in1k.py data/biggan_sim_100k --device cuda
    ... --num-per-class 2000 --format shards --image jpeg --resolution 256     # 2 million

Needs a labelled generator of BigGAN-512 in work_dirs/biggan512_fgbg/labelled_generator and the weights of a ResNet-50 on ImageNet. Not run
by us, because the weights were not available.
"""

labelled_generator = 'work_dirs/biggan512_fgbg/labelled_generator'
classifier_weights = 'data/weights/resnet50_in1k.pth'
synthesis = dict(
    source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator=labelled_generator, truncation=0.9),
    filters=[
        dict(
            type='mmbdg.RejectionSampling',
            classifier=dict(type='mmpretrain', config='mmpretrain::resnet/resnet50_8xb32_in1k.py', checkpoint=classifier_weights),
            size=224,
            rate=0.9,
        ),
        dict(type='mmbdg.UncertaintyFilter', rate=0.1),
    ],
    batch_size=8,  # 512 px
    num_per_class=100,
    seed=0,
    candidates=560,  # 1,120 candidates give 100 samples
)
requires = dict(
    labelled_generator='a labelled generator of BigGAN-512: what the training of its feature interpreters writes into its work dir',
    classifier_weights='a ResNet-50 on ImageNet, e.g. resnet50_8xb32_in1k of mmpretrain',
)
