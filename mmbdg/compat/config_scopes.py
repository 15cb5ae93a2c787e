"""``mmseg::`` and ``mmbdg::`` in ``_base_``."""

from mmengine.config.utils import MODULE2PACKAGE


def register_config_scopes() -> None:
    """mmengine looks for mmseg under the name of its old distribution, and knows no mmbdg. By module name it finds either release."""
    MODULE2PACKAGE['mmseg'] = 'mmseg'
    MODULE2PACKAGE['mmbdg'] = 'mmbdg'
