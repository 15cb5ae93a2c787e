"""Evaluation of generated images with your classifier: base of gan.py, diffusion.py and lora.py."""

_base_ = 'images.py'

from mmbdg.own_images import verdict

weights = f'{_base_.work_root}/classifier/classifier.safetensors'
judge = dict(init_cfg=dict(type='Pretrained', checkpoint=weights), **_base_.classifier)
val_evaluator = [
    dict(type='mmbdg.KernelDistance', name='own', classifier=judge),
    dict(type='mmbdg.RecognisedSamples', name='own', classifier=judge),
]
randomness = dict(diff_rank_seed=True)  # different noise in each process
default_hooks = dict(checkpoint=dict(save_best='KD_own', rule='less'))
judgement = verdict('generator')
requires = dict(weights='the classifier that evaluates the samples: python tools/train.py {config_dir}/classifier.py')
wording = dict(
    annotate='look at {work_dir}/samples, then: python tools/annotate.py sample {config_dir}/interpreter.py '
    + f'{_base_.data_root}/annotated --per-class 5'
)
