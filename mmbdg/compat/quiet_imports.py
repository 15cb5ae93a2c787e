"""Suppress lines that mm packages print at every import about a service that is not used here."""

from functools import wraps
from typing import Any

import mmengine.logging
from mmengine.logging import logger as mmengine_logger

PRINTED = 'Could not import OneDL'
"""Beginning of these lines. They are debug messages, but mmengine prints messages without a logger at any level."""


def install_quiet_imports() -> None:
    """Wrap mmengine's ``print_log``. Idempotent."""
    if hasattr(mmengine_logger, '_quiet_by_mmbdg'):
        return
    mmengine_logger._quiet_by_mmbdg = True
    print_log = mmengine.logging.print_log

    @wraps(print_log)
    def quiet(msg: Any, *args: Any, **kwargs: Any) -> None:
        if not str(msg).startswith(PRINTED):
            print_log(msg, *args, **kwargs)

    mmengine.logging.print_log = mmengine_logger.print_log = quiet
