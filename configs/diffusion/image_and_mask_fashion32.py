"""A small text-to-image model that makes an image and its foreground mask together, on real garments with masks by a few-shot labeller.

    python tools/train.py configs/interpreter/real_fashion.py                                        # a labeller from 50 annotations
    python tools/synthesize.py configs/synthesis/real_labelled_fashion32.py data/real_labelled       # labels for real images
    python tools/train.py configs/diffusion/image_and_mask_fashion32.py                              # 5 minutes of one idle core

Writes diffusion/ (for mmbdg.JointDiffusionSource) and samples/*.png into the work dir. It starts from the embedded model of images, as the
interpreters start from the embedded GAN; the U-Net gets 16 more channels, 4 x 4 pixels of the mask for each latent.
"""

_base_ = 'latent_fashion32.py'

labelled_images = 'data/real_labelled'
base_pipeline = 'mmbdg://fashion32/diffusion'
iterations = 600
model = dict(
    _delete_=True,
    type='mmbdg.JointDiffusionTraining',
    pipeline=base_pipeline,
    masks=dict(labels=('background', 'foreground'), patch=4, scale=0.5, prediction_type='sample', weight=2.0),
    classes='fashion32',
    captions=_base_.model.captions,
    timesteps='logit_normal',
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmbdg.SyntheticSegDataset',
        data_root=labelled_images,
        label_space='fgbg',
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='mmbdg.LoadMask'),
            dict(type='PackInputs', algorithm_keys=('gt_seg_map',)),
        ],
    )
)
requires = dict(
    labelled_images='real images with masks: python tools/synthesize.py configs/synthesis/real_labelled_fashion32.py data/real_labelled'
)
