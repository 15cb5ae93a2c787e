"""Sixteen feature interpreters for the GAN of the garments in colour, with annotations by the stand-in annotator (docs/colour_garments.md).

    python tools/annotate.py sample configs/interpreter/biggan32_colour.py data/annotated_colour --rule ANNOTATOR
    python tools/train.py configs/interpreter/biggan32_colour.py --cfg-options annotated=data/annotated_colour annotator=ANNOTATOR

ANNOTATOR is configs/transfer/colour/annotator_32px.py:WORK_DIR/segmentor.safetensors. The second command needs it for the 1,000 held-out
samples only: the masks of the training are in data/annotated_colour.
"""

_base_ = 'biggan32_fashion.py'

generator_weights = 'work_dirs/biggan_colour32/generator.safetensors'
annotated = 'data/annotated_colour'
annotator = 'configs/transfer/colour/annotator_32px.py:work_dirs/annotator_32px/segmentor.safetensors'
generator = dict(init_cfg=dict(checkpoint=generator_weights), base_channels=48)
model = dict(generator=generator)
train_dataloader = dict(dataset=dict(data_root=annotated))
val_dataloader = dict(dataset=dict(generator=generator, rule=annotator, thresholds=(0.5, 0.3, 0.7)))  # probabilities
test_dataloader = val_dataloader
requires = dict(
    _delete_=True,
    generator_weights='the trained generator: python tools/train.py configs/gan/biggan_colour32.py --amp',
    annotated=(
        'annotated latents: python tools/annotate.py sample configs/interpreter/biggan32_colour.py data/annotated_colour --rule ANNOTATOR'
    ),
)
next_step = (
    'python tools/synthesize.py configs/synthesis/biggan32_colour.py OUT --cfg-options labelled_generator={work_dir}/labelled_generator'
)
