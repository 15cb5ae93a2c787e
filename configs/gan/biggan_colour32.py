"""Class-conditional BigGAN on the garments in colour (docs/colour_garments.md).

    python tools/train.py configs/gan/biggan_colour32.py --amp

Writes generator.safetensors (the averaged generator of the best checkpoint) and samples/*.png to the work dir. The networks are those of
biggan_fashion32.py with one and a half times the width.
"""

_base_ = [
    '../_base_/gan_training.py',
    '../_base_/datasets/colour32_images.py',
    '../_base_/models/biggan32_fashion.py',
    '../_base_/models/resnet_colour32.py',
]

classifier_weights = 'work_dirs/resnet_colour32/classifier.safetensors'
iterations = 12000  # of the discriminator
decay = dict(type='LinearLR', start_factor=1.0, end_factor=0.1, begin=iterations * 2 // 3, end=iterations, by_epoch=False)

model = dict(
    type='mmbdg.ConditionalGAN',
    generator=dict(_base_.generator, base_channels=48),
    discriminator=dict(
        type='mmbdg.ProjectionDiscriminator',
        resolution=32,
        num_classes=10,
        base_channels=48,
        channel_multipliers=(1, 2, 4, 4),
        downsample=(True, True, True, False),
        attention=(16,),
    ),
    discriminator_steps=2,
    ema_momentum=0.002,
    augment=('color', 'translation', 'cutout'),
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
)
val_dataloader = dict(dataset=dict(label_fraction=0.2))  # 2,000 training images, so that no checkpoint is selected with test images
judge = dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier)
val_evaluator = [
    dict(type='mmbdg.KernelDistance', name='resnet_colour32', classifier=judge),
    dict(type='mmbdg.RecognisedSamples', name='resnet_colour32', classifier=judge),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(1000, iterations))
param_scheduler = dict(generator=[decay], discriminator=[decay])
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=min(500, iterations), save_best='KD_resnet_colour32', rule='less'))
requires = dict(
    classifier_weights='the classifier whose features judge the samples: python tools/train.py configs/classifier/resnet_colour32.py --amp'
)
next_step = (
    'look at {work_dir}/samples, then: python tools/annotate.py sample configs/interpreter/biggan32_colour.py OUT --per-class 5 '
    '--cfg-options generator_weights={work_dir}/generator.safetensors'
)
