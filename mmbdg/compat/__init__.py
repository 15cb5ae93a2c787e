"""What OpenMMLab lacks today. ``import mmbdg`` installs all of it; nothing here imports mmcv, mmpretrain, mmseg or mmdet."""

from mmbdg.compat.checkpoint import register_schemes
from mmbdg.compat.config_scopes import register_config_scopes
from mmbdg.compat.mmcv_ops import install_ops_finder


def install() -> None:
    """Idempotent."""
    install_ops_finder()
    register_config_scopes()
    register_schemes()
