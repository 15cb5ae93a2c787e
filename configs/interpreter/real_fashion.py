"""Sixteen feature interpreters on a frozen backbone, from 50 annotated real images, five a class: a labeller of real images.

    python tools/train.py configs/interpreter/real_fashion.py

The backbone is that of the embedded classifier, which was trained with class labels. For a comparison of annotation costs use a backbone
that was trained without labels. Writes labelled_generator/ into the work dir, the labeller of mmbdg.RealImageSource
(configs/synthesis/real_labelled_fashion32.py).
"""

_base_ = ['../_base_/interpreter_training.py', '../_base_/models/interpreter32_fashion.py']

backbone_weights = 'mmbdg://fashion32/classifier.safetensors'
generator = dict(
    type='mmbdg.ImageBackbone',
    resolution=32,
    library='mmpretrain',
    model='ResNet_CIFAR',
    arguments=dict(depth=18, num_stages=3, stem_channels=16, base_channels=16, strides=(1, 2, 2), dilations=(1, 1, 1)),
    out_indices=(0, 1, 2),
    num_classes=10,
    conditional=False,
    mean=[55.9] * 3,
    std=[84.8] * 3,
    init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=backbone_weights),
)
interpreter = dict(_base_.interpreter, num_members=_base_.num_members)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=interpreter)

train_dataloader = dict(dataset=dict(type='mmbdg.RuleAnnotatedFashion', split='train', per_class=5))
val_dataloader = dict(batch_size=100, dataset=dict(type='mmbdg.RuleAnnotatedFashion', split='test', per_class=100))
test_dataloader = val_dataloader

train_cfg = dict(max_iters=500, val_interval=250)  # a small head on small images
default_hooks = dict(checkpoint=dict(interval=250, save_best=None), logger=dict(interval=100))
custom_hooks = [
    dict(
        type='mmbdg.ExportLabelledGeneratorHook',
        classes=_base_.class_names,
        truncation=None,
        licence='MIT: Fashion-MNIST (MIT, Zalando SE)',
    )
]
requires = dict(backbone_weights='weights of a backbone, in the layout of any publisher that mmbdg.PretrainedBackbone knows')
next_step = (
    'python tools/synthesize.py configs/synthesis/real_labelled_fashion32.py OUT '
    '--cfg-options synthesis.source.labeller={work_dir}/labelled_generator'
)
