"""Joint pre-training: DenseCL on real unlabelled images, an FPN segmentation head on synthetic labelled ones.

    python tools/train.py configs/densecl_biggan_fpn.py        # 5 minutes on two cores, nothing to download

Real images are the embedded part of Fashion-MNIST, the labelled ones come from the embedded generator and interpreters and are made
first if they are not there. configs/densecl_biggan_fpn_in1k.py is the same recipe at the paper's scale.
"""

_base_ = [
    '_base_/runtime.py',
    '_base_/models/joint_densecl_r18_64px.py',
    '_base_/datasets/batches_of_32.py',
    '_base_/datasets/fashion32_ssl.py',
    '_base_/datasets/fashion32_seg_test.py',
    'synthesis/biggan32_fashion.py',
]

label_space = 'classes'  # or 'fgbg': what the segmentation head tells apart
label_classes = 'fashion32'  # what the label space is over; num_labels follows from the two
num_labels = 11
seg_loss_weight = 1.0
synthetic_ratio = 1  # synthetic images for each real one
iterations = 240

# The queue holds 2,048 keys: it is filled after 64 iterations. Backbone, heads and losses stand in the model file.
model = dict(seg_head=dict(num_classes=num_labels, loss_decode=dict(loss_weight=seg_loss_weight)))

# Cropped, enlarged and mirrored with their masks; colours and blur as those of the real views. The crops are ours: DenseCL's of a fifth of
# an image leave too little of a 32 px garment to name it.
seg_augmentation = dict(
    size=64, area=(0.45, 1.0), ratio=(1.0, 1.0), brightness=0.4, contrast=0.4, jitter=0.8, blur=0.5, blur_sigma=(0.1, 1.0)
)
seg_dataset = dict(
    type='mmbdg.SyntheticSegDataset',
    prepare=_base_.synthesis,
    label_space=label_space,
    pipeline=[
        dict(type='LoadImageFromFile'),
        dict(type='mmseg.LoadAnnotations'),
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
