"""Type and range checks for the config values that every training has."""

from typing import Annotated, Any

from annotated_types import Ge, Gt
from mmengine.config import Config
from pydantic import BeforeValidator

from mmbdg.schema import OpenSchema, validated


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, Gt(0), BeforeValidator(_whole)]
Natural = Annotated[int, Ge(0), BeforeValidator(_whole)]
Rate = Annotated[float, Ge(0)]


class Typed(OpenSchema):
    """Config dict of an object that a registry builds by its ``type``."""

    type: Any


class Loader(OpenSchema):
    """``train_dataloader = dict(...)``."""

    dataset: Typed
    batch_size: Count | None = None
    num_workers: Natural = 0
    prefetch_factor: Count | None = None
    persistent_workers: bool = False
    pin_memory: bool = False
    drop_last: bool = False


class Loop(OpenSchema):
    """``train_cfg = dict(...)``."""

    max_iters: Count | None = None
    max_epochs: Count | None = None
    val_interval: Count | None = None
    val_begin: Natural | None = None


class Optimizer(OpenSchema):
    """``optim_wrapper.optimizer = dict(...)``."""

    lr: Rate | None = None
    weight_decay: Rate | None = None


class OptimWrapper(OpenSchema):
    """``optim_wrapper = dict(...)`` with a single optimiser."""

    optimizer: Optimizer | None = None
    accumulative_counts: Count = 1


class Hook(Typed):
    """One entry of ``default_hooks`` or ``custom_hooks``."""

    interval: int | None = None


class Training(OpenSchema):
    """The top-level keys of a config that a Runner uses."""

    model: Typed | None = None
    train_dataloader: Loader | None = None
    val_dataloader: Loader | None = None
    test_dataloader: Loader | None = None
    train_cfg: Loop | None = None
    optim_wrapper: OptimWrapper | None = None
    default_hooks: dict[str, Hook | None] | None = None
    custom_hooks: list[Hook] | None = None
    param_scheduler: dict[str, Any] | list[Any] | None = None


def check_values(cfg: Config) -> None:
    """Check types and ranges of the config values, e.g. zero iterations, an empty batch, or a string in the place of a number.

    Raises:
        InputError: A value is invalid; the message names the keys and the allowed values.
    """
    parts = {key: cfg[key] for key in Training.model_fields if cfg.get(key) is not None}
    validated(Training, parts, str(cfg.filename))
