"""Safe loading of YAML: mmengine's default loader calls any function that a tag ``!!python/object/apply:...`` names."""

import yaml
from mmengine.fileio.handlers import yaml_handler


def install_safe_yaml() -> None:
    """Make ``mmengine.load`` and ``Config.fromfile`` read only plain values from YAML, in this process. Idempotent.

    A caller that passes its own loader keeps it.
    """
    yaml_handler.Loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
