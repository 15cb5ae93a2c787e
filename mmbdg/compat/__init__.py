"""Fixes for OpenMMLab. ``import mmbdg`` installs all of them; nothing here imports mmcv, mmpretrain, mmseg or mmdet."""

from mmbdg.compat.adafactor import install_late_adafactor

install_late_adafactor()  # before the next line, which imports mmengine's optimisers

from mmbdg.compat.checkpoint import install_safe_reader  # noqa: E402
from mmbdg.compat.config_scopes import register_config_scopes  # noqa: E402
from mmbdg.compat.config_variables import install_variables  # noqa: E402
from mmbdg.compat.mmcv_ops import install_ops_finder  # noqa: E402
from mmbdg.compat.multimodal import install_multimodal_switch  # noqa: E402
from mmbdg.compat.quiet_imports import install_quiet_imports  # noqa: E402
from mmbdg.compat.safe_yaml import install_safe_yaml  # noqa: E402


def install() -> None:
    """Install all fixes in this process. Idempotent."""
    install_ops_finder()
    install_multimodal_switch()
    register_config_scopes()
    install_variables()
    install_safe_reader()
    install_safe_yaml()
    install_quiet_imports()
