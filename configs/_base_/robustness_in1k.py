"""Test of an ImageNet classifier of mmpretrain on a set of ImageNet's classes from another domain (docs/out_of_domain.md).

The inheriting config sets ``test_set`` and ``data_root``. Networks, normalisation and crops are those of mmpretrain's configs of the same
names; a test compares them.
"""

_base_ = 'runtime.py'

network = 'resnet50'  # a name of networks
test_set = 'v2'
data_root = 'data/imagenet-v2'  # the folder that has the class folders
partial = False  # True: an incomplete copy, for a quick look
workers = 4

networks = {
    'resnet50': dict(  # mmpretrain::resnet/resnet50_8xb32_in1k.py
        model=dict(
            type='ImageClassifier',
            backbone=dict(type='ResNet', depth=50, num_stages=4, out_indices=(3,), style='pytorch'),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=1000, in_channels=2048, topk=(1, 5)),
        ),
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        crop=[dict(type='ResizeEdge', scale=256, edge='short'), dict(type='CenterCrop', crop_size=224)],
    ),
    'vit-b16': dict(  # mmpretrain::vision_transformer/vit-base-p16_64xb64_in1k-384px.py
        model=dict(
            type='ImageClassifier',
            backbone=dict(type='VisionTransformer', arch='b', img_size=384, patch_size=16, drop_rate=0.1),
            head=dict(type='VisionTransformerClsHead', num_classes=1000, in_channels=768),
        ),
        mean=[127.5] * 3,
        std=[127.5] * 3,
        crop=[dict(type='ResizeEdge', scale=384, edge='short', backend='pillow'), dict(type='CenterCrop', crop_size=384)],
    ),
}
chosen = networks[network]
pixels = dict(num_classes=1000, mean=chosen['mean'], std=chosen['std'], to_rgb=True)
model = dict(data_preprocessor=dict(type='ClsDataPreprocessor', **pixels), **chosen['model'])
test_dataloader = dict(
    batch_size=64,
    num_workers=workers,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmbdg.ShiftedImageNet',
        name=test_set,
        data_root=data_root,
        partial=partial,
        pipeline=[dict(type='mmbdg.LoadImage'), *chosen['crop'], dict(type='PackInputs')],
    ),
)
test_evaluator = [dict(type='Accuracy', topk=(1, 5))]
test_cfg = dict()
