"""Spellings of ``init_cfg``."""

from collections.abc import Mapping

PUBLISHED_WEIGHTS = 'mmbdg.PublishedWeights'
"""Registered name of :class:`mmbdg.published_weights.PublishedWeights`."""
PIPELINE_WEIGHTS = 'mmbdg.PipelineWeights'
"""Registered name of :class:`mmbdg.pipeline_weights.PipelineWeights`."""


def current_init(init_cfg: Mapping) -> dict:
    """An ``init_cfg`` in today's spelling.

    Args:
        init_cfg: Dict with ``type``. ``dict(type='Pretrained', checkpoint=..., source=...)`` is the spelling of version 0.5 and older for
            weights that somebody else published.

    Returns:
        A copy; the old spelling has the type ``mmbdg.PublishedWeights`` in it.
    """
    is_old = init_cfg.get('type') == 'Pretrained' and init_cfg.get('source') is not None
    return {**init_cfg, 'type': PUBLISHED_WEIGHTS} if is_old else dict(init_cfg)
