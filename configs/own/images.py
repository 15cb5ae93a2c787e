"""Your images at the resolution of dataset.py, in batches: base of the steps that train on images alone."""

_base_ = ['networks.py', 'mmbdg::_base_/runtime.py']

images = f'{_base_.data_root}/images'
pipeline = [
    _base_.load_image,
    dict(type='ResizeEdge', scale=_base_.resolution, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=_base_.resolution),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ImageFolder', data_root=images, class_names=_base_.class_names, pipeline=pipeline),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ImageFolder', data_root=images, class_names=_base_.class_names, pipeline=pipeline),
)
val_cfg = dict()
preprocessor = dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True)  # to [-1, 1]
requires = dict(images='your images, a folder for each class: <class>/*.png|jpg')
