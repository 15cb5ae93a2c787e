"""Garments in colour with class labels, to train generators: batches of training images, and 1,000 of them for validation.

The images are BGR: the data preprocessor of a generator needs bgr_to_rgb=True.
"""

_base_ = 'fashion32_images.py'

train_dataloader = dict(dataset=dict(type='mmbdg.ColourGarments', masks=False))
val_dataloader = dict(dataset=dict(type='mmbdg.ColourGarments', masks=False))
