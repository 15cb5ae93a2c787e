"""Segmentation branch on BigGAN-sim for joint pre-training with ImageNet, for any self-supervised method with a ResNet-50 at 224 px.

The FPN decoder, the 100k synthetic images and the ResNet-50 are from the paper (BigDatasetGAN, section 5.3). Values without a source in a
comment are ours. Configs use the parts by name (_base_.seg_head ...), because mmengine does not merge a model that two base files set.
"""

imagenet = 'data/imagenet/'
synthetic = 'data/biggan_sim_100k'
label_space = 'mc992'  # ours; the paper gives the label space of the X-ray pre-training only (fgbg)
label_classes = 'in1k'  # classes of the label space; num_labels and ignore are derived from label_space and label_classes
num_labels = 992  # including the background
ignore = 65535  # masks with more than 254 labels are uint16
seg_loss_weight = 1.0  # ours; not given in the paper
synthetic_ratio = 1  # synthetic images per real image; ours, not given in the paper
rgb = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])

joint_preprocessor = dict(
    type='mmbdg.JointDataPreprocessor',
    ssl=dict(type='mmpretrain.SelfSupDataPreprocessor', to_rgb=True, **rgb),
    seg=dict(type='mmseg.SegDataPreProcessor', bgr_to_rgb=True, size=(224, 224), seg_pad_val=ignore, **rgb),
)
seg_neck = dict(type='mmseg.FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=4)
seg_head = dict(  # "shallow", similar to Panoptic FPN (paper); the widths are those of mmseg's fpn_r50
    type='mmbdg.FPNHead',  # computes the loss at stride 4: 0.4 GB of logits for 32 images instead of 6.4 GB
    _scope_='mmseg',
    in_channels=[256] * 4,
    in_index=[0, 1, 2, 3],
    feature_strides=[4, 8, 16, 32],
    channels=128,
    dropout_ratio=0.1,
    num_classes=num_labels,
    ignore_index=ignore,
    norm_cfg=dict(type='SyncBN'),
    align_corners=False,
    loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=seg_loss_weight),
)
seg_augmentation = dict(  # that of the views of DenseCL and MoCo v2, for image and mask: "the same augmentation protocol" (paper)
    size=224, area=(0.2, 1.0), flip=0.5,
    brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, jitter=0.8, grayscale=0.2, blur=0.5, blur_sigma=(0.1, 2.0),
)  # fmt: skip
synthetic_dataset = dict(
    type='mmbdg.SyntheticSegDataset',
    data_root=synthetic,
    label_space=label_space,
    ignore_index=ignore,
    pipeline=[
        dict(type='mmbdg.LoadImage'),
        dict(type='mmbdg.LoadMask'),
        dict(type='mmbdg.AugmentLabelled', **seg_augmentation),
        dict(type='mmseg.PackSegInputs'),
    ],
)
seeing = [  # docs/seeing.md
    dict(type='mmbdg.SamplePredictionsHook', interval=1000),
    dict(type='mmbdg.EmbeddingHook', interval=1000, num_images=256),
    dict(type='mmbdg.CorrespondenceHook', interval=1000),
]
branch = dict(data_preprocessor=joint_preprocessor, seg_neck=seg_neck, seg_head=seg_head)  # arguments of the model
real_images = dict(type='mmpretrain.ImageNet', data_root=imagenet, split='train')  # the method's config sets the pipeline
paired = dict(_delete_=True, type='mmbdg.JointDataset', seg=synthetic_dataset, ratio=synthetic_ratio)
addressed_sampler = dict(_delete_=True, type='mmbdg.AddressedSampler', by_epoch=True)

requires = {
    'imagenet': 'ImageNet-1k (ILSVRC2012): images in data/imagenet/train/<wnid>/*.JPEG',
    'synthetic': 'BigGAN-sim: python tools/synthesize.py configs/synthesis/biggan512_in1k.py data/biggan_sim_100k --device cuda',
}
next_step = 'python tools/extract_backbone.py {checkpoint} {work_dir}/backbone.safetensors'
