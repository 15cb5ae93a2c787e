"""Transfer with a part of the real labels: a ResNet-18 with an FPN decoder, all layers trained, 11 classes.

    python tools/train.py configs/transfer/fashion/fpn_r18.py --cfg-options pretrained=BACKBONE label_fraction=0.1
    python tools/test.py  configs/transfer/fashion/fpn_r18.py work_dirs/fpn_r18/iter_600.pth

tools/extract_backbone.py makes BACKBONE. Use --cfg-options pretrained=None for random initialisation.
"""

_base_ = [
    '../../_base_/runtime.py',
    '../../_base_/models/fpn_r18_64px.py',
    '../../_base_/datasets/batches_of_32.py',
    '../../_base_/datasets/fashion32_seg_test.py',
]

default_scope = 'mmseg'
pretrained = 'work_dirs/densecl_biggan_fpn/backbone.safetensors'
label_fraction = 1.0  # fraction of the images of each class, at least one image
label_seed = 0  # seed of the selection of these images
iterations = 600

model = dict(backbone=dict(init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained)))

train_dataloader = dict(
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.FashionMNIST32',
        split='train',
        label_space='classes',
        label_fraction=label_fraction,
        label_seed=label_seed,
        pipeline=[
            dict(type='RandomResize', scale=(64, 64), ratio_range=(1.0, 1.25), resize_type='mmseg.Resize'),
            dict(type='RandomCrop', crop_size=(64, 64)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs'),
        ],
    ),
)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=1e-4, begin=0, end=iterations, by_epoch=False)
custom_hooks = [dict(type='mmbdg.SamplePredictionsHook')]

requires = dict(
    pretrained='a pre-trained backbone: python tools/extract_backbone.py work_dirs/densecl_biggan_fpn/iter_240.pth '
    'work_dirs/densecl_biggan_fpn/backbone.safetensors'
)
next_step = 'python tools/test.py {config} {checkpoint}'
