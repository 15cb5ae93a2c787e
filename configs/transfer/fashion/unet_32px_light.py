"""unet_32px.py with half the width and a tenth of the iterations, for comparisons of small training sets.

    python tools/train.py configs/transfer/fashion/unet_32px_light.py --cfg-options label_fraction=0.1    # 1,000 real images

An iteration takes 0.4 times as long. With 1,000 real images, 400 iterations are too few: it predicts the background only
(docs/generators_compared.md). Set iterations.
"""

_base_ = 'unet_32px.py'

iterations = 400
width = 16

model = dict(backbone=dict(base_channels=width), decode_head=dict(in_channels=width, channels=width))
train_cfg = dict(val_interval=min(200, iterations))
