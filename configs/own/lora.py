"""Adapters (LoRA) of an existing text-to-image pipeline, for few images (50 to 1,000), instead of the GAN.

Only the adapters are trained. Writes diffusion/ (the pipeline with the adapters merged), adapter/, generator.safetensors for
interpreter.py, and samples/*.png.
"""

_base_ = ['generated.py', 'mmbdg::_base_/models/lora.py']

work_dir = f'{_base_.work_root}/lora'
# The pipeline must make images of the resolution of dataset.py: the embedded one makes 32 px, your own diffusion.py any resolution.
base_pipeline = 'mmbdg://fashion32/diffusion' if _base_.resolution == 32 else f'{_base_.work_root}/base_pipeline'
iterations = _base_.plan['iterations']['lora']  # the training can be stopped at any iteration
interval = min(200, max(1, iterations // 3))
learning_rate = 5e-3  # of the small embedded pipeline; 1e-4 is usual for Stable Diffusion
model = dict(
    type='mmbdg.LoRATraining',
    pipeline=base_pipeline,
    lora=_base_.lora,
    text_lora=_base_.text_lora,
    classes=_base_.class_names,
    captions=_base_.wording.captions,
    timesteps='logit_normal',
    guidance_scale=_base_.sampling['guidance'],
    num_inference_steps=_base_.sampling['steps'],
    data_preprocessor=_base_.preprocessor,
)
train_dataloader = dict(batch_size=_base_.plan['batches']['lora'])
val_dataloader = dict(dataset=dict(most=_base_.plan['samples'] // 2))  # sampling takes long
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=interval)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=learning_rate, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=interval))
custom_hooks = [
    dict(type='mmengine.EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.005, gamma=10),  # of the adapters
    dict(type='mmbdg.DiffusionSamplesHook'),
    dict(type='mmbdg.ExportPretrainedHook', folder='diffusion'),
    dict(type='mmbdg.ExportAdapterHook', folder='adapter'),
    dict(type='mmbdg.ExportDiffusionGeneratorHook', folder='diffusion', prompt=_base_.wording.captions[0], **_base_.sampling),
    _base_.judgement,
]
requires = dict(base_pipeline='a text-to-image pipeline of diffusers for this resolution, as save_pretrained of diffusers writes it')
next_step = (
    _base_.wording.annotate
    if _base_.generator_type == 'diffusion-lora'
    else (
        'look at {work_dir}/samples; {work_dir}/diffusion is a pipeline of diffusers for mmbdg.DiffusionSource. For masks, set '
        "generator_type = 'diffusion-lora' in {config_dir}/dataset.py and annotate samples"
    )
)
