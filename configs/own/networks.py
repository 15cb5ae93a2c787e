"""Networks of this folder, with sizes derived from dataset.py. The sizes for 32, 64 and 128 px are ours."""

_base_ = 'dataset.py'

if _base_.resolution not in (32, 64, 128):
    raise ValueError(f'resolution is {_base_.resolution!r}; there are networks for 32, 64 and 128 (images are resized to it)')
if isinstance(_base_.class_names, str) or not 0 < len(_base_.class_names) == len(set(_base_.class_names)):
    raise ValueError(f'class_names is {_base_.class_names!r}; it lists the folders of {_base_.data_root}/images, e.g. ("first", "second")')
if _base_.label_space not in ('classes', 'fgbg'):
    raise ValueError(f'label_space is {_base_.label_space!r}; there are "classes" and "fgbg"')

sizes = {
    32: dict(  # channel multipliers: generator before the first block and after each block, discriminator after each block
        generator=(4, 4, 2, 1), discriminator=(1, 2, 4, 4), attention=(16,), first_stride=1
    ),
    64: dict(generator=(8, 8, 4, 2, 1), discriminator=(1, 2, 4, 8, 8), attention=(32,), first_stride=2),
    128: dict(generator=(16, 16, 8, 4, 2, 1), discriminator=(1, 2, 4, 8, 16, 16), attention=(64,), first_stride=2),
}[_base_.resolution]

classifier = dict(
    type='mmpretrain.ImageClassifier',
    _scope_='mmpretrain',
    data_preprocessor=dict(type='ClsDataPreprocessor', num_classes=len(_base_.class_names), mean=_base_.mean, std=_base_.std, to_rgb=True),
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        stem_channels=32,
        base_channels=32,
        strides=(sizes['first_stride'], 2, 2, 2),
        out_indices=(3,),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=len(_base_.class_names), in_channels=256, loss=dict(type='CrossEntropyLoss')),
)
generator = dict(
    type='mmbdg.BigGAN',
    resolution=_base_.resolution,
    num_classes=len(_base_.class_names),
    base_channels=64,  # 32 is enough for simple images and faster without a GPU
    channel_multipliers=sizes['generator'],
    latent_dim=20 * len(sizes['generator']),  # as in BigGAN: 20 for the first layer and for each block
    embed_dim=64,
    attention=sizes['attention'],
)
discriminator = dict(
    type='mmbdg.ProjectionDiscriminator',
    resolution=_base_.resolution,
    num_classes=len(_base_.class_names),
    base_channels=64,
    channel_multipliers=sizes['discriminator'],
    downsample=(*(True for _ in sizes['discriminator'][1:]), False),
    attention=sizes['attention'],
)
interpreter = dict(
    type='mmbdg.InterpreterEnsemble',
    num_members=16,
    member=dict(
        type='mmbdg.FeatureInterpreter',
        num_outputs=1,  # foreground and background; the class is known from the generator
        groups=(_base_.resolution // 4, _base_.resolution // 2, _base_.resolution),
        widths=(64, 32, 16),
    ),
)
# Size and labels of the segmentation networks, and a map of the labels of your masks. Images of 32 px are resized to 64 px, because the
# backbone is designed for 64 px.
segmentation = dict(
    size=(max(64, _base_.resolution), max(64, _base_.resolution)),
    labels=('background', *_base_.class_names) if _base_.label_space == 'classes' else ('background', 'foreground'),
    label_map=dict.fromkeys(range(2, len(_base_.class_names) + 1), 1) if _base_.label_space == 'fgbg' else None,  # of your masks
)
