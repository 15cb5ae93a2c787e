"""The benchmark of the embedded garments: a ResNet-18 with an FPN decoder on five tasks (docs/benchmark.md).

    python tools/train.py configs/benchmark/fashion/fpn_r18.py --cfg-options task=classes pretrained=BACKBONE train_data=annotated
    python tools/test.py  configs/benchmark/fashion/fpn_r18.py work_dirs/fpn_r18/iter_300.pth --cfg-options task=classes

It is the small version of configs/benchmark/imagenet/. The test images are real.
"""

_base_ = [
    '../../_base_/runtime.py',
    '../../_base_/models/fpn_r18_64px.py',
    '../../_base_/datasets/batches_of_32.py',
    '../../_base_/datasets/fashion32_seg_test.py',
]

default_scope = 'mmseg'
task = 'classes'  # a name of tasks
pretrained = None  # the file of a backbone (tools/extract_backbone.py), or None: random weights
train_data = 'annotated'  # a name of train_sets
dataset = None  # the synthesised dataset of train_data='synthetic'
labelled_generator = 'fashion32'  # of train_data='online'
batch_size = 16
iterations = 300
tasks = {
    'fgbg': 'fgbg',
    'bag': dict(bag=['bag']),
    'boot': dict(boot=['ankle boot']),
    'classes': 'classes',
    'long-tailed': {
        'upper body': ['t-shirt', 'pullover', 'dress', 'coat', 'shirt'],
        'shoe': ['sandal', 'sneaker', 'ankle boot'],
        'trouser': ['trouser'],
        'bag': ['bag'],
    },
}
label_space = tasks[task]
label_classes = 'fashion32'  # num_labels is derived from label_space and label_classes
num_labels = 11

pixels = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True, size=(64, 64), seg_pad_val=255)
model = dict(
    backbone=dict(init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained)),
    decode_head=dict(num_classes=num_labels),
)
if train_data == 'online':
    model['data_preprocessor'] = dict(
        _delete_=True,
        type='mmbdg.OnlineDataPreprocessor',
        labelled_generator=labelled_generator,
        precision='float32',  # for a CPU
        augmentation=dict(size=64, area=(0.64, 1.0), ratio=(1.0, 1.0)),
        **pixels,
    )

augmentation = [
    dict(type='RandomResize', scale=(64, 64), ratio_range=(1.0, 1.25), resize_type='mmseg.Resize'),
    dict(type='RandomCrop', crop_size=(64, 64)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
train_sets = {
    'annotated': dict(  # the 50 annotated samples of the embedded GAN
        type='mmbdg.AnnotatedSegDataset',
        data_root='mmbdg://fashion32/annotated_latents',
        name='biggan32',
        class_names='fashion32',
        label_space=label_space,
        pipeline=augmentation,
    ),
    'synthetic': dict(
        type='mmbdg.SyntheticSegDataset',
        data_root=dataset,
        label_space=label_space,
        pipeline=[dict(type='mmbdg.LoadImage'), dict(type='mmbdg.LoadMask'), *augmentation],
    ),
    'online': dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator=labelled_generator, label_space=label_space),
    'real': dict(type='mmbdg.FashionMNIST32', split='train', label_space=label_space, pipeline=augmentation),
}
train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler') if train_data == 'online' else dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=train_sets[train_data],
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmbdg.FashionMNIST32',
        split='test',
        label_space=label_space,
        test_mode=True,
        pipeline=[dict(type='Resize', scale=(64, 64)), dict(type='PackSegInputs')],
    )
)
val_dataloader = test_dataloader

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=iterations // 10, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=iterations, by_epoch=False),
]

requires = dict(pretrained='a pre-trained backbone: tools/extract_backbone.py makes one of a checkpoint')
if train_data == 'synthetic':
    requires['dataset'] = 'labelled images: python tools/synthesize.py configs/synthesis/biggan32_fashion.py work_dirs/biggan32_fashion'
next_step = 'python tools/test.py {config} {checkpoint}'
