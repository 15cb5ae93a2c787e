"""Joint pre-training: DenseCL on real unlabelled images, and an FPN segmentation head on synthetic labelled images.

    python tools/train.py configs/densecl_biggan_fpn.py        # 5 minutes on two cores, nothing to download

The real images are the embedded part of Fashion-MNIST. The labelled images are made by the embedded generator and interpreters before the
first training. configs/densecl_biggan_fpn_in1k.py is the same training at the paper's scale.
"""

_base_ = [
    '_base_/runtime.py',
    '_base_/models/joint_densecl_r18_64px.py',
    '_base_/datasets/batches_of_32.py',
    '_base_/datasets/fashion32_ssl.py',
    '_base_/datasets/fashion32_seg_test.py',
    'synthesis/biggan32_fashion.py',
]

label_space = 'classes'  # labels of the segmentation head: 'classes' or 'fgbg'
label_classes = 'fashion32'  # classes of the label space; num_labels is derived from label_space and label_classes
num_labels = 11
seg_loss_weight = 1.0
synthetic_ratio = 1  # synthetic images per real image
aux_norm = None  # 'BN': batch norms of their own for the synthetic images, docs/aux_norm.md
iterations = 240

# The queue of 2,048 keys is full after 64 iterations. Backbone, heads and losses are defined in the base file of the model.
model = dict(seg_head=dict(num_classes=num_labels, loss_decode=dict(loss_weight=seg_loss_weight)), aux_norm=aux_norm)

# Crops, resizing and flips change image and mask together; colours and blur are those of the real views. The crop area is ours: a garment
# of 32 px cannot be recognised in DenseCL's smallest crops, a fifth of the image.
seg_augmentation = dict(
    size=64, area=(0.45, 1.0), ratio=(1.0, 1.0), brightness=0.4, contrast=0.4, jitter=0.8, blur=0.5, blur_sigma=(0.1, 1.0)
)
seg_dataset = dict(
    type='mmbdg.SyntheticSegDataset',
    prepare=_base_.synthesis,
    label_space=label_space,
    pipeline=[
        dict(type='mmbdg.LoadImage'),
        dict(type='mmbdg.LoadMask'),
        dict(type='mmbdg.AugmentLabelled', **seg_augmentation),
        dict(type='mmseg.PackSegInputs'),
    ],
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),
    dataset=dict(type='mmbdg.JointDataset', ssl=_base_.ssl_dataset, seg=seg_dataset, ratio=synthetic_ratio),
)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=iterations, by_epoch=False)
custom_hooks = [  # docs/seeing.md
    dict(type='mmbdg.QueueReportHook'),
    dict(type='mmbdg.SamplePredictionsHook', interval=80),
    dict(type='mmbdg.EmbeddingHook', interval=80),
    dict(type='mmbdg.CorrespondenceHook', interval=80),
]

next_step = (
    'python tools/extract_backbone.py {checkpoint} {work_dir}/backbone.safetensors && '
    'python tools/train.py configs/transfer/fashion/fpn_r18_frozen.py --cfg-options pretrained={work_dir}/backbone.safetensors'
)
