"""Sixteen feature interpreters on a frozen backbone, from 50 annotated real garments in colour: a labeller of real images.

    python tools/dataset_converters/colour_garments.py data/colour_fifty --label-fraction 0.005
    python tools/train.py configs/interpreter/real_colour.py

The backbone is that of the classifier, which was trained with the class labels of all images. Writes labelled_generator/ into the work dir,
the labeller of configs/synthesis/real_labelled_colour32.py.
"""

_base_ = 'real_fashion.py'

annotated = 'data/colour_fifty'  # images/<class>/*.png and masks/<class>/*.png
test_images = 'data/colour_test'  # the same
backbone_weights = 'work_dirs/resnet_colour32/classifier.safetensors'
generator = dict(
    arguments=dict(stem_channels=32, base_channels=32),  # as in _base_/models/resnet_colour32.py
    mean=[127.5] * 3,
    std=[64.0] * 3,
    init_cfg=dict(checkpoint=backbone_weights),
)
model = dict(generator=generator)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='mmbdg.AnnotatedImages', data_root=annotated, class_names=_base_.class_names, resolution=32)
)
val_dataloader = dict(
    dataset=dict(_delete_=True, type='mmbdg.AnnotatedImages', data_root=test_images, class_names=_base_.class_names, resolution=32)
)
test_dataloader = val_dataloader
requires = dict(
    _delete_=True,
    backbone_weights='the classifier: python tools/train.py configs/classifier/resnet_colour32.py --amp',
    annotated='annotated images: python tools/dataset_converters/colour_garments.py data/colour_fifty --label-fraction 0.005',
    test_images='test images: python tools/dataset_converters/colour_garments.py data/colour_test --split test',
)
next_step = (
    'python tools/synthesize.py configs/synthesis/real_labelled_colour32.py OUT '
    '--cfg-options synthesis.source.labeller={work_dir}/labelled_generator'
)
