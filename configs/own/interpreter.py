"""Train feature interpreters with your masks. Writes labelled_generator/ at each best validation.

The sizes of the generator are read from the card beside its weights, generator.safetensors.json.
"""

_base_ = ['networks.py', 'mmbdg::_base_/interpreter_training.py']

from mmbdg.own_images import verdict

work_dir = f'{_base_.work_root}/interpreter'
weights = f'{_base_.work_root}/{_base_.plan["step"]}/generator.safetensors'
annotated = f'{_base_.data_root}/annotated'
annotation_seed = 1  # seed of tools/annotate.py sample
held_out = 1  # annotated samples per class for validation
iterations = _base_.plan['iterations']['interpreter']
interval = max(1, iterations // 5)
num_members = _base_.widths['members']
member_batch = 4
generator = dict(init_cfg=dict(type='Pretrained', checkpoint=weights), **_base_.generator)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=dict(_base_.interpreter, num_members=num_members))
pairs = dict(type='mmbdg.AnnotatedLatents', data_root=annotated, name='own', generator=generator, class_names=_base_.class_names)
train_dataloader = dict(dataset=dict(part='train', held_out=held_out, **pairs))
val_dataloader = dict(dataset=dict(part='val', held_out=held_out, **pairs))
test_dataloader = val_dataloader
train_cfg = dict(max_iters=iterations, val_interval=interval)
default_hooks = dict(checkpoint=dict(interval=interval))
custom_hooks = [
    dict(
        type='mmbdg.ExportLabelledGeneratorHook',
        classes=_base_.class_names,
        truncation=None if _base_.plan['diffusion'] else 0.9,  # a diffusion model needs the full variance of its noise
    ),
    verdict('interpreter'),
]
requires = dict(
    weights=f'the trained generator: python tools/train.py {{config_dir}}/{_base_.plan["step"]}.py (it writes one at each best validation)',
    annotated='masks of generated samples: python tools/annotate.py sample {config_dir}/interpreter.py ' + annotated,
)
next_step = 'python tools/synthesize.py {config_dir}/synthesis.py ' + f'{_base_.data_root}/synthetic'
