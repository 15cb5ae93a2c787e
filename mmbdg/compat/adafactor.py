"""Adafactor of transformers, imported when a training uses it.

mmengine registers this optimiser whenever transformers is installed. The import of transformers, and of peft with it, takes longer than all
other imports of mmbdg together, and nearly no program needs it.
"""

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

NAME = 'Adafactor'


def adafactor(
    params: Iterable,
    lr: float | None = None,
    eps: tuple[float, float] = (1e-30, 1e-3),
    clip_threshold: float = 1.0,
    decay_rate: float = -0.8,
    beta1: float | None = None,
    weight_decay: float = 0.0,
    scale_parameter: bool = True,
    relative_step: bool = True,
    warmup_init: bool = False,
) -> Any:
    """Build ``transformers.Adafactor`` with these arguments; they are its own, so that a wrong key of a config is found without it."""
    options = {key: value for key, value in locals().items() if key != 'params'}
    from transformers import Adafactor

    return Adafactor(params, **options)


def install_late_adafactor() -> None:
    """Import mmengine's optimisers without transformers, and register :func:`adafactor` in its place. Idempotent.

    It must come before any other import of mmengine's optimisers; after one, or with transformers imported already, it does nothing.
    """
    if 'mmengine.optim' in sys.modules or 'transformers' in sys.modules or find_spec('transformers') is None:
        return
    sys.modules['transformers'] = None  # type: ignore[assignment]  the import inside fails, as without the package
    try:
        from mmengine.optim.optimizer import builder
    finally:
        del sys.modules['transformers']
    builder.OPTIMIZERS.register_module(name=NAME, module=adafactor)
    builder.TRANSFORMERS_OPTIMIZERS.append(NAME)
