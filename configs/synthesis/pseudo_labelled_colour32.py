"""Garments in colour with masks by a segmentor that was trained on 50 annotated images (docs/real_images.md).

    python tools/train.py configs/transfer/colour/unet_32px.py --cfg-options label_fraction=0.005
    python tools/dataset_converters/colour_garments.py data/colour_images --no-masks
    python tools/synthesize.py configs/synthesis/pseudo_labelled_colour32.py data/pseudo_labelled

The folder of an image states its class, so the segmentor only finds the foreground: the probabilities of its ten garments are summed.
docs/real_images.md shows how to use a segmentor of foreground and background.
"""

images = 'data/colour_images/images'
segmentor = 'configs/transfer/colour/unet_32px.py'
checkpoint = 'work_dirs/unet_32px/iter_1500.pth'

synthesis = dict(
    source=dict(
        type='mmbdg.PseudoLabelSource',
        images=images,
        config=segmentor,
        checkpoint=checkpoint,
        classes='fashion32',
        size=32,
        licence='MIT: Fashion-MNIST (MIT, Zalando SE)',
    ),
    filters=[dict(type='mmbdg.UncertaintyFilter', rate=0.1)],
    num_per_class=100,
    seed=0,
)
requires = dict(
    images='images to label: python tools/dataset_converters/colour_garments.py data/colour_images --no-masks',
    checkpoint=(
        'the weights of the segmentor: python tools/train.py configs/transfer/colour/unet_32px.py --cfg-options label_fraction=0.005'
    ),
)
