"""Networks of this folder. Their sizes are those of mmbdg.own_images.layouts, by the settings of dataset.py."""

_base_ = ['dataset.py', 'mmbdg::_base_/models/diffusion_noise.py']

from mmbdg.own_images import layout

if isinstance(_base_.class_names, str) or not 0 < len(_base_.class_names) == len(set(_base_.class_names)):
    raise ValueError(f'class_names is {_base_.class_names!r}; it lists the folders of {_base_.data_root}/images, e.g. ("first", "second")')
if _base_.label_space not in ('classes', 'fgbg'):
    raise ValueError(f'label_space is {_base_.label_space!r}; there are "classes" and "fgbg"')
plan = layout(_base_.resolution, _base_.colours, _base_.num_images, _base_.budget, _base_.generator_type)
shapes, widths = plan['shapes'], plan['widths']

load_image = dict(type='mmbdg.LoadImage', grey=True) if plan['grey'] else dict(type='mmbdg.LoadImage')
classifier = dict(
    type='mmpretrain.ImageClassifier',
    _scope_='mmpretrain',
    data_preprocessor=dict(type='ClsDataPreprocessor', num_classes=len(_base_.class_names), mean=_base_.mean, std=_base_.std, to_rgb=True),
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        stem_channels=widths['classifier'],
        base_channels=widths['classifier'],
        strides=(shapes['first_stride'], 2, 2, 2),
        out_indices=(3,),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=len(_base_.class_names),
        in_channels=8 * widths['classifier'],
        loss=dict(type='CrossEntropyLoss'),
    ),
)
autoencoder = dict(  # of diffusers; a quarter of the resolution in latents
    type='AutoencoderTiny',
    latent_channels=8,
    encoder_block_out_channels=(widths['autoencoder'],) * 3,
    decoder_block_out_channels=(widths['autoencoder'],) * 3,
    num_encoder_blocks=(0, 1, 1),
    num_decoder_blocks=(2, 1, 1),
)
unet = dict(
    type='UNet2DConditionModel',
    sample_size=_base_.resolution // 4,
    in_channels=autoencoder['latent_channels'],
    out_channels=autoencoder['latent_channels'],
    down_block_types=('DownBlock2D', *['CrossAttnDownBlock2D'] * (len(shapes['unet']) - 1)),
    up_block_types=(*['CrossAttnUpBlock2D'] * (len(shapes['unet']) - 1), 'UpBlock2D'),
    block_out_channels=tuple(widths['unet'] * multiple for multiple in shapes['unet']),
    layers_per_block=1,
    cross_attention_dim=64,
    attention_head_dim=8,
    norm_num_groups=16,
)
scheduler = dict(type='DDIMScheduler', clip_sample=False, **_base_.schedule)
wording = dict(captions=('a photo of a {}', 'a picture of a {}', 'a photo of the {}', '{}'))
sampling = dict(steps=20, guidance=2.0)
if plan['diffusion']:  # only a description: the sizes of the trained model are read from the card beside its weights
    generator = dict(
        type='mmbdg.DiffusionGenerator',
        denoiser=unet,
        autoencoder=autoencoder,
        scheduler=scheduler,
        num_classes=len(_base_.class_names),
        context_length=24,
        **sampling,
    )
else:
    generator = dict(
        type='mmbdg.BigGAN',
        resolution=_base_.resolution,
        num_classes=len(_base_.class_names),
        base_channels=widths['gan'],
        channel_multipliers=shapes['generator'],
        latent_dim=20 * len(shapes['generator']),  # as in BigGAN: 20 for the first layer and for each block
        embed_dim=64,
        attention=shapes['attention'],
    )
    if plan['grey']:
        generator['grey'] = True
discriminator = dict(
    type='mmbdg.ProjectionDiscriminator',
    resolution=_base_.resolution,
    num_classes=len(_base_.class_names),
    base_channels=widths['gan'],
    channel_multipliers=shapes['discriminator'],
    downsample=(*(True for _ in shapes['discriminator'][1:]), False),
    attention=shapes['attention'],
)
interpreter = dict(
    type='mmbdg.InterpreterEnsemble',
    num_members=widths['members'],
    member=dict(
        type='mmbdg.FeatureInterpreter',
        num_outputs=1,  # foreground and background; the class is known from the generator
        groups=(_base_.resolution // 4, _base_.resolution // 2, _base_.resolution),
        widths=widths['interpreter'],
    ),
)
# Size and labels of the segmentation networks, and a map of the labels of your masks. Images of 32 px are resized to 64 px, because the
# backbone is designed for 64 px.
segmentation = dict(
    size=(max(64, _base_.resolution), max(64, _base_.resolution)),
    labels=('background', *_base_.class_names) if _base_.label_space == 'classes' else ('background', 'foreground'),
    label_map=dict.fromkeys(range(2, len(_base_.class_names) + 1), 1) if _base_.label_space == 'fgbg' else None,  # of your masks
)
