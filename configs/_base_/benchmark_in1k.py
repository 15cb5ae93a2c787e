"""The pixel-wise ImageNet benchmark: DeepLabv3 with a ResNet-50 (BigDatasetGAN, section 5.2 and Table 2).

The inheriting config sets the task (label_space). The paper gives the network, the data and the metric. Its schedule, its crops and its
training on synthetic images are not in the main text: where a comment names no source, the value is mmseg's for VOC (20k iterations).
"""

_base_ = ['runtime.py', 'mmseg::_base_/models/deeplabv3_r50-d8.py']

default_scope = 'mmseg'
label_space = 'fgbg'
label_classes = 'in1k'  # num_labels and ignore are derived from label_space and label_classes
num_labels = 2
ignore = 255  # 65535 above 254 labels
depth = 50  # of the ResNet: 50, 101 or 152
pretrained = 'supervised'  # a row of Table 2, see pretrainings, or the file of a backbone
train_data = 'annotated'  # a name or names of train_sets; several are mixed. The paper's Figures 7 and 11 name BigGAN-sim alone
test_data = 'real'  # Real-annotated (paper), or imagenet-s
iterations = 20000
crop_size = (512, 512)
loss_stride = 1  # 1: the loss has the resolution of the image
counts = 'published'  # None: annotated sets of another size
data = dict(
    annotated='data/annotated',  # Synthetic-annotated and Real-annotated, as released
    imagenet_s='data/imagenet-s/ImageNetS919',
    biggan='data/biggan_sim_100k',
    vqgan='data/vqgan_sim_100k',
    diffusion='data/dit256_sim_100k',
    labelled_generator='work_dirs/biggan512_fgbg/labelled_generator',
)
pretrainings = dict(  # published files of a ResNet-50; the paper does not say which of them (epochs) it takes
    random=None,
    supervised=f'torchvision://resnet{depth}',
    supcon='data/weights/supcon.pth',
    supselfcon='data/weights/supselfcon_r50.ckpt',
    simclr='data/weights/resnet50-1x.pth',
    mocov2='data/weights/moco_v2_800ep_pretrain.pth.tar',
    mocov3='data/weights/r-50-1000ep.pth.tar',
    byol='data/weights/pretrain_res50x1.pth.tar',
    dino='data/weights/dino_resnet50_pretrain.pth',
    densecl='data/weights/densecl_r50_imagenet_200ep.pth',
    ours='work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors',
)
checkpoint = pretrainings.get(pretrained, pretrained)

loss = dict(type='mmbdg.ChunkedCrossEntropy', loss_weight=1.0)
labels = dict(num_classes=num_labels, ignore_index=ignore, loss_stride=loss_stride)
pixels = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True, size=crop_size, seg_pad_val=ignore)
preprocessors = {  # by whether the images are made in the training
    False: dict(type='SegDataPreProcessor', **pixels),
    True: dict(
        _delete_=True,
        type='mmbdg.OnlineDataPreprocessor',
        labelled_generator=data['labelled_generator'],
        precision='bfloat16',
        sampling=dict(batch_size=16),
        augmentation=dict(
            size=crop_size[0], area=(0.25, 1.0), flip=0.5, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, jitter=0.8
        ),  # ours
        **pixels,
    ),
}
model = dict(
    type='mmbdg.ManyLabelSegmentor',
    pretrained=None,
    data_preprocessor=preprocessors['biggan-on' in train_data],
    backbone=dict(  # the plain stem of the published weights
        type='ResNet', depth=depth, init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=checkpoint)
    ),
    decode_head=dict(type='mmbdg.ASPPHead', loss_decode=dict(_delete_=True, **loss), **labels),
    auxiliary_head=dict(type='mmbdg.FCNHead', loss_decode=dict(_delete_=True, **loss | dict(loss_weight=0.4)), **labels),
)

augmentation = [
    dict(type='RandomResize', scale=(4 * crop_size[1], crop_size[0]), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75, ignore_index=ignore),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
annotated_images = dict(
    type='mmbdg.AnnotatedSegDataset',
    class_names=label_classes,
    label_space=label_space,
    allow_missing_classes=True,  # the annotator could not identify BigGAN's samples of some classes
    counts=counts,
)
generated = dict(
    type='mmbdg.SyntheticSegDataset',
    label_space=label_space,
    ignore_index=ignore,
    pipeline=[dict(type='mmbdg.LoadImage'), dict(type='mmbdg.LoadMask'), *augmentation],
)
train_sets = {
    'annotated': dict(data_root=data['annotated'], name='biggan512', layout='images', pipeline=augmentation, **annotated_images),
    'biggan-off': dict(data_root=data['biggan'], **generated),
    'biggan-on': dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator=data['labelled_generator'], label_space=label_space),
    'vqgan': dict(data_root=data['vqgan'], **generated),
    'diffusion': dict(data_root=data['diffusion'], **generated),
}
chosen = [train_sets[name] for name in ([train_data] if isinstance(train_data, str) else train_data)]
if 'biggan-on' in train_data and len(chosen) > 1:
    raise ValueError('train_data: images that are made in the training (biggan-on) are not mixed with others')
mixed = dict(type='ConcatDataset', datasets=chosen, ignore_keys=['class_names', 'label_space', 'label_map', 'reduce_zero_label'])
train_dataloader = dict(
    batch_size=4,  # per GPU; 16 on 4 GPUs
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='mmbdg.AddressedSampler') if 'biggan-on' in train_data else dict(type='InfiniteSampler', shuffle=True),
    dataset=mixed if len(chosen) > 1 else chosen[0],
)
test_sets = {
    'real': dict(data_root=data['annotated'], name='real-random', layout='images'),  # paper
    'imagenet-s': dict(data_root=data['imagenet_s'], name='validation', layout='imagenet-s'),
}
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        test_mode=True,
        pipeline=[dict(type='Resize', scale=(4 * crop_size[1], crop_size[0]), keep_ratio=True), dict(type='PackSegInputs')],
        **test_sets[test_data],
        **annotated_images,
    ),
)
val_dataloader = test_dataloader  # only at the end; no checkpoint is selected with it
test_evaluator = dict(type='mmbdg.StreamingIoU', ignore_index=ignore, per_class=True)
val_evaluator = dict(test_evaluator, per_class=False)
val_cfg = dict()
test_cfg = dict()

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=iterations, by_epoch=False)]
default_hooks = dict(checkpoint=dict(interval=iterations))

requires = {
    'checkpoint': 'the pre-trained backbone, see docs/benchmark.md; or pretrained=random',
    **{part.get('data_root') or part['labelled_generator']: 'the images to train on, see docs/benchmark.md' for part in chosen},
    test_sets[test_data]['data_root']: 'the images to measure on, see docs/benchmark.md',
}
next_step = 'python tools/test.py {config} {checkpoint}'
