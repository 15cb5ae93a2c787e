"""Lines that mm packages print whenever they are imported, about a service that nothing here uses."""

from functools import wraps
from typing import Any

import mmengine.logging
from mmengine.logging import logger as mmengine_logger

PRINTED = 'Could not import OneDL'
"""How they begin. mmengine prints what goes to no logger, whatever its level: these are meant for debugging."""


def install_quiet_imports() -> None:
    """Idempotent."""
    if hasattr(mmengine_logger, '_quiet_by_mmbdg'):
        return
    mmengine_logger._quiet_by_mmbdg = True
    print_log = mmengine.logging.print_log

    @wraps(print_log)
    def quiet(msg: Any, *args: Any, **kwargs: Any) -> None:
        if not str(msg).startswith(PRINTED):
            print_log(msg, *args, **kwargs)

    mmengine.logging.print_log = mmengine_logger.print_log = quiet
