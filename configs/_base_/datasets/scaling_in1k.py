"""ImageNet and synthetic images of its classes in one training set: more synthetic images, few labels, a long tail (docs/scaling.md)."""

train_root = 'data/imagenet/train'  # one folder for each wnid
synthetic = 'data/diffusion_in1k'  # a dataset of tools/synthesize.py whose folders are wnids
fraction = 1.0  # of the real images
imbalance = None  # ratio of the largest to the smallest class of real images; synthetic images then fill each class to `per_class`
per_class = 1280  # synthetic images of each class: about 1x for the whole of ImageNet (732 to 1,300 images a class), 7680 for 6x
ratio = 1  # synthetic images per real image in a batch; unknown in the paper
real_per_batch = 32  # real images in a batch of one process

photos = dict(type='mmbdg.ImageFolder', data_root=train_root, class_names='in1k')
made = dict(type='mmbdg.ImageFolder', data_root=f'{synthetic}/images', class_names='in1k')
if imbalance is None:
    real_part = dict(type='mmbdg.ClassSubset', fraction=fraction)
    synthetic_part = dict(type='mmbdg.ClassSubset', per_class=per_class)
else:
    real_part = dict(type='mmbdg.ClassSubset', imbalance=imbalance, most=per_class)
    synthetic_part = dict(type='mmbdg.ClassSubset', imbalance=imbalance, most=per_class, fill=True)
sampler = dict(
    _delete_=True,
    type='mmbdg.SourceRatioSampler',
    batch_size=real_per_batch * (1 + ratio),
    ratio=dict(real=1, synthetic=ratio),
    by_epoch=True,  # an epoch has every real image once
)
requires = dict(
    train_root='ImageNet (ILSVRC 2012), training images in a folder for each class: n01440764, ...',
    synthetic='synthetic images: python tools/synthesize.py configs/synthesis/diffusion_sd15_in1k.py data/diffusion_in1k',
)
