"""Evaluation of generated images with your classifier: base of gan.py and diffusion.py."""

_base_ = 'images.py'

weights = f'{_base_.work_root}/classifier/classifier.safetensors'
judge = dict(init_cfg=dict(type='Pretrained', checkpoint=weights), **_base_.classifier)
val_evaluator = [
    dict(type='mmbdg.KernelDistance', name='own', classifier=judge),
    dict(type='mmbdg.RecognisedSamples', name='own', classifier=judge),
]
randomness = dict(diff_rank_seed=True)  # different noise in each process
default_hooks = dict(checkpoint=dict(save_best='KD_own', rule='less'))
verdict = dict(
    type='mmbdg.VerdictHook',
    metric='recognised_own',
    what='% of the generated images are recognised as their class (last validation)',
    enough=70,
    otherwise='continue with --resume and more iterations, and look at the samples',
)
requires = dict(weights='the classifier that evaluates the samples: python tools/train.py {config_dir}/classifier.py')
