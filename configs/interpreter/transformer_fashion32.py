"""Sixteen feature interpreters for the embedded diffusion transformer, trained with the 50 annotations of the embedded GAN's samples.

    python tools/annotate.py encode configs/interpreter/transformer_fashion32.py mmbdg://fashion32/annotated_latents DST
    python tools/train.py configs/interpreter/transformer_fashion32.py --cfg-options annotated=DST

To annotate samples of the model itself instead, see diffusion_fashion32.py.
"""

_base_ = ['../_base_/interpreter_diffusion32.py', '../_base_/models/transformer32_fashion.py']

pipeline = 'mmbdg://fashion32/transformer'
annotated = 'data/annotated_transformer32'
generator = dict(init_cfg=dict(type='mmbdg.PipelineWeights', checkpoint=pipeline), **_base_.generator)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=dict(_base_.interpreter, num_members=_base_.num_members))
train_dataloader = dict(dataset=dict(data_root=annotated))
val_dataloader = dict(dataset=dict(generator=generator))
test_dataloader = val_dataloader
requires = dict(
    pipeline='the folder of the diffusion transformer: python tools/train.py configs/diffusion/transformer_fashion32.py',
    annotated=(
        'annotated latents: python tools/annotate.py encode configs/interpreter/transformer_fashion32.py '
        'mmbdg://fashion32/annotated_latents data/annotated_transformer32'
    ),
)
