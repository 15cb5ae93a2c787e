"""First stage of the small VQGAN on the embedded real images: an autoencoder with a table of codes, 32 px to 8 x 8 tokens.

    python tools/train.py configs/vqgan/autoencoder_fashion32.py

Writes autoencoder.safetensors into the work dir. The next step is configs/vqgan/transformer_fashion32.py.
"""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/models/vqgan32_fashion.py',
    '../_base_/models/resnet_fashion32.py',
    '../_base_/datasets/fashion32_images.py',
]

work_dir = 'work_dirs/vqgan_autoencoder_fashion32'
classifier_weights = 'mmbdg://fashion32/classifier.safetensors'
iterations = 1200

model = dict(
    type='mmbdg.VQGANAutoencoderTraining',
    generator=_base_.generator,
    grey=True,
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3),
)
train_dataloader = dict(batch_size=32)
val_evaluator = [
    dict(type='mmbdg.ReconstructionPSNR'),
    dict(type='mmbdg.CodebookUse', n_embed=_base_.generator.n_embed),
    dict(
        type='mmbdg.KernelDistance',
        name='resnet_fashion32',
        classifier=dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier),
    ),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(600, iterations))
val_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=3e-3, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=min(20, iterations), by_epoch=False),
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False),
]
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=min(300, iterations)))
custom_hooks = [
    dict(type='mmbdg.ExportWeightsHook', prefix='autoencoder.', filename='autoencoder.safetensors', config='model.generator'),
]
requires = dict(classifier_weights='the classifier that evaluates them: python tools/train.py configs/classifier/resnet_fashion32.py')
next_step = 'python tools/train.py configs/vqgan/transformer_fashion32.py --cfg-options autoencoder={work_dir}/autoencoder.safetensors'
