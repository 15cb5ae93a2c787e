"""YAML without tags that run: mmengine reads it with a loader that calls whatever ``!!python/object/apply:...`` names."""

import yaml
from mmengine.fileio.handlers import yaml_handler


def install_safe_yaml() -> None:
    """Let ``mmengine.load`` and ``Config.fromfile`` read YAML of plain values only, in this process. Idempotent.

    A caller who names a loader of his own keeps it.
    """
    yaml_handler.Loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
