"""Second stage of the small VQGAN: a transformer that predicts the tokens of the embedded real images from their class.

    python tools/train.py configs/vqgan/autoencoder_fashion32.py        # the first stage
    python tools/train.py configs/vqgan/transformer_fashion32.py

Writes generator.safetensors (both stages, the averaged weights of the best checkpoint) and samples/*.png into the work dir.
"""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/models/vqgan32_fashion.py',
    '../_base_/models/resnet_fashion32.py',
    '../_base_/datasets/fashion32_images.py',
]

work_dir = 'work_dirs/vqgan_transformer_fashion32'
autoencoder = 'work_dirs/vqgan_autoencoder_fashion32/autoencoder.safetensors'
classifier_weights = 'mmbdg://fashion32/classifier.safetensors'
iterations = 6000

model = dict(
    type='mmbdg.VQGANTransformerTraining',
    generator=_base_.generator,
    autoencoder=autoencoder,
    classes='fashion32',
    corrupted=0.1,
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3),
)
train_dataloader = dict(batch_size=32)
judge = dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier)
val_evaluator = [
    dict(type='mmbdg.KernelDistance', name='resnet_fashion32', classifier=judge),
    dict(type='mmbdg.RecognisedSamples', name='resnet_fashion32', classifier=judge),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(1500, iterations))
val_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=min(50, iterations), by_epoch=False),
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False),
]
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=min(200, iterations), save_best='KD_resnet_fashion32', rule='less'))
custom_hooks = [
    dict(type='mmengine.EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.005, gamma=10),
    dict(type='mmbdg.DiffusionSamplesHook'),
    dict(type='mmbdg.ExportWeightsHook', prefix='generator.', filename='generator.safetensors', config='model.generator'),
]
requires = dict(
    autoencoder='the first stage: python tools/train.py configs/vqgan/autoencoder_fashion32.py',
    classifier_weights='the classifier whose features evaluate the samples: python tools/train.py configs/classifier/resnet_fashion32.py',
)
next_step = (
    'look at {work_dir}/samples, then: python tools/annotate.py encode configs/interpreter/vqgan_fashion32.py SRC DST '
    '--cfg-options generator_weights={work_dir}/generator.safetensors'
)
