"""Card of an exported backbone: its origin and the settings that its user needs, in the format of the cards of embedded files."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from torch import Tensor

from mmbdg.backbones.layouts import Export
from mmbdg.backbones.origin import Origin, datasets, pixels
from mmbdg.version import __version__

DISTRIBUTIONS = ('torch', 'torchvision', 'timm', 'onedl-mmengine', 'onedl-mmpretrain', 'onedl-mmsegmentation')


def card(export: Export, layout: str, origin: Origin, checkpoint: dict[str, str], command: str) -> dict[str, Any]:
    """Make the card, without the checksum of the exported file.

    Args:
        export: Exported backbone.
        layout: Layout of its parameter names, one of :data:`~mmbdg.backbones.layouts.LAYOUTS`.
        origin: Origin of the backbone as stored in the checkpoint.
        checkpoint: Name and SHA-256 of the checkpoint file.
        command: Command that wrote the file.

    Returns:
        Dict of JSON values; None where a value is unknown.
    """
    method = (origin.cfg or {}).get('model')
    method = method.get('type') if isinstance(method, dict) else None
    backbone, iterations = origin.backbone or {}, origin.meta.get('iter')
    name = str(backbone.get('type', 'weights')) + (f' of depth {backbone["depth"]}' if 'depth' in backbone else '')
    trained = f' by {method}' * bool(method) + f', iteration {iterations}' * bool(iterations)
    tensors: dict[str, Tensor] = export.state
    network, normalised = export.network, pixels(origin.cfg)
    if layout == 'detectron2' and normalised:
        network = network | {
            'INPUT.FORMAT': normalised['channels'],
            'MODEL.PIXEL_MEAN': normalised['mean'],
            'MODEL.PIXEL_STD': normalised['std'],
        }
    return {
        'what': f'{name}{f", pre-trained{trained}" if trained else ""}',
        'command': command,
        'layout': layout,
        'network': network,
        'input': normalised,
        'method': method,
        'data': datasets(origin.cfg),
        'iterations': iterations,
        'epochs': origin.meta.get('epoch'),
        'seed': origin.meta.get('seed'),
        'trained': {key: origin.meta[key] for key in ('time', 'mmengine') if key in origin.meta},
        'commit': origin.commit,
        'backbone': {key: value for key, value in backbone.items() if key != '_scope_'} or None,
        'checkpoint': checkpoint,
        'tensors': len(tensors),
        'numbers': sum(value.numel() for value in tensors.values()),
        'versions': {'python': platform.python_version(), 'mmbdg': __version__, **_versions()},
        'config': origin.cfg_text,
    }


def _versions() -> dict[str, str]:
    """Versions of the libraries at the time of the export; the checkpoint stores only that of mmengine."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
