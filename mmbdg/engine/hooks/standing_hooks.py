"""Hooks that are added to every training, independent of its config."""

from mmengine.config import Config
from mmengine.hooks import CheckpointHook

STANDING = (
    'StopOnNaNHook',
    'RandomStateHook',
    'TotalBatchHook',
    'MomentumEncoderHook',
    'RankAgreementHook',
    'TrainingSetHook',
    'SteeringHook',
)


def add_standing_hooks(cfg: Config) -> None:
    """Add the hooks that every training has.

    They save checkpoints safely, keep random states for resuming, stop on NaN, check the total batch size, update momentum encoders once
    per optimiser step, compare the processes' models, store the training set in checkpoints, and hand the network to the steering of
    online samples. A hook that the config lists itself is kept unchanged.
    """
    default = dict(checkpoint=dict(type='CheckpointHook', interval=1)) | (cfg.get('default_hooks') or {})  # mmengine's own default
    custom = list(cfg.get('custom_hooks') or [])
    for hook in [default['checkpoint'], *custom]:
        if isinstance(hook, dict) and _name(hook) == 'CheckpointHook':
            hook['type'] = 'mmbdg.SafeCheckpointHook'
    listed = {_name(hook) for hook in [*default.values(), *custom] if isinstance(hook, dict)}
    cfg.default_hooks = default
    cfg.custom_hooks = custom + [dict(type=f'mmbdg.{name}') for name in STANDING if name not in listed]


def _name(hook: dict) -> str:
    kind = hook['type']
    return kind.split('.')[-1] if isinstance(kind, str) else 'CheckpointHook' if kind is CheckpointHook else kind.__name__
