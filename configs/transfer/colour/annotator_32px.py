"""The stand-in annotator of the garments in colour: a wider U-Net that learns the foreground from all 10,000 masks.

    python tools/train.py configs/transfer/colour/annotator_32px.py --amp

Writes segmentor.safetensors to the work dir. It draws the masks of generated images, which no rule can (docs/colour_garments.md):
``--rule configs/transfer/colour/annotator_32px.py:WORK_DIR/segmentor.safetensors`` of tools/annotate.py.
"""

_base_ = 'unet_32px.py'

label_space = 'fgbg'
num_labels = 2
width = 48
iterations = 4000
model = dict(backbone=dict(base_channels=width), decode_head=dict(in_channels=width, channels=width))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
default_hooks = dict(checkpoint=dict(save_best=None))
custom_hooks = [
    dict(type='mmbdg.SamplePredictionsHook'),
    dict(type='mmbdg.ExportWeightsHook', prefix='', filename='segmentor.safetensors'),
]
next_step = (
    'python tools/annotate.py sample configs/interpreter/biggan32_colour.py OUT --rule {config}:{work_dir}/segmentor.safetensors '
    '--cfg-options generator_weights=GENERATOR'
)
