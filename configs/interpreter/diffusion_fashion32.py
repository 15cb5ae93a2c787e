"""Sixteen feature interpreters for the embedded diffusion model, trained with the 50 annotations of the embedded GAN's samples.

    python tools/annotate.py encode configs/interpreter/diffusion_fashion32.py mmbdg://fashion32/annotated_latents DST
    python tools/train.py configs/interpreter/diffusion_fashion32.py --cfg-options annotated=DST

The first command encodes the annotated images to clean latents with noise. To annotate samples of the model itself instead, give
``tools/annotate.py sample`` this config, and train with --cfg-options train_dataloader.dataset.latent_dim=512.
"""

_base_ = ['../_base_/interpreter_diffusion32.py', '../_base_/models/diffusion32_fashion.py']

pipeline = 'mmbdg://fashion32/diffusion'
annotated = 'data/annotated_diffusion32'
weights = dict(type='mmbdg.PipelineWeights', checkpoint=pipeline, prompt='a photo of a {}', classes=_base_.class_names)
generator = dict(init_cfg=weights, **_base_.generator)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=dict(_base_.interpreter, num_members=_base_.num_members))
train_dataloader = dict(dataset=dict(data_root=annotated))
val_dataloader = dict(dataset=dict(generator=generator))
test_dataloader = val_dataloader
requires = dict(
    pipeline='the folder of the diffusion model: python tools/train.py configs/diffusion/latent_fashion32.py',
    annotated=(
        'annotated latents: python tools/annotate.py encode configs/interpreter/diffusion_fashion32.py '
        'mmbdg://fashion32/annotated_latents data/annotated_diffusion32'
    ),
)
