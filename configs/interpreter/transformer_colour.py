"""Sixteen feature interpreters for the diffusion transformer of the garments in colour, trained with 50 annotated real images.

    python tools/dataset_converters/colour_garments.py data/colour_fifty --label-fraction 0.005
    python tools/annotate.py encode configs/interpreter/transformer_colour.py data/colour_fifty data/annotated_transformer_colour
    python tools/train.py configs/interpreter/transformer_colour.py --cfg-options annotator=ANNOTATOR

The second command encodes the annotated images to clean latents with noise. ANNOTATOR draws the masks of the 1,000 held-out samples, see
biggan32_colour.py.
"""

_base_ = ['../_base_/interpreter_diffusion32.py', '../_base_/models/transformer32_colour.py']

pipeline = 'work_dirs/transformer_colour32/transformer'
annotated = 'data/annotated_transformer_colour'
annotator = 'configs/transfer/colour/annotator_32px.py:work_dirs/annotator_32px/segmentor.safetensors'
generator = dict(init_cfg=dict(type='mmbdg.PipelineWeights', checkpoint=pipeline), **_base_.generator)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=dict(_base_.interpreter, num_members=_base_.num_members))
train_dataloader = dict(dataset=dict(data_root=annotated, name='transformer', latent_dim=2048))  # clean latent and noise, 16 x 8 x 8 each
val_dataloader = dict(dataset=dict(generator=generator, rule=annotator, thresholds=(0.5, 0.3, 0.7)))  # probabilities
test_dataloader = val_dataloader
requires = dict(
    pipeline='the diffusion transformer: python tools/train.py configs/diffusion/transformer_colour32.py',
    annotated='annotated latents: python tools/annotate.py encode configs/interpreter/transformer_colour.py data/colour_fifty DST',
)
next_step = (
    'python tools/synthesize.py configs/synthesis/biggan32_colour.py OUT --cfg-options labelled_generator={work_dir}/labelled_generator'
)
