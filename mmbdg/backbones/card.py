"""The card of an extracted backbone: where it is from, and what who uses it must know. In the form of the cards of embedded files."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from torch import Tensor

from mmbdg.backbones.layouts import Export
from mmbdg.backbones.origin import Origin, datasets, pixels
from mmbdg.version import __version__

DISTRIBUTIONS = ('torch', 'torchvision', 'timm', 'onedl-mmengine', 'onedl-mmpretrain', 'onedl-mmsegmentation')


def card(export: Export, layout: str, origin: Origin, checkpoint: dict[str, str], command: str) -> dict[str, Any]:
    """Everything but the checksum of the file itself.

    Args:
        export: What is written.
        layout: Whose names it has.
        origin: What the checkpoint says about itself.
        checkpoint: Its file's name and SHA-256.
        command: That made the file.

    Returns:
        Values that JSON knows; None where something is not known.
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
    """Of the extraction; the checkpoint knows mmengine's alone."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
