"""The identity of a dataset: all values that determine its bytes."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmbdg.reading import parsed_json
from mmbdg.sources.base import Source
from mmbdg.synthesis.filters.base import Filter
from mmbdg.synthesis.plan import Synthesis
from mmbdg.version import __version__

EXTENT = ('num_per_class', 'classes', 'max_candidates')
"""Keys of the plan that are not part of the identity. A later run can change them to add samples or classes."""
OF_ROUNDS = ('first', 'round_plan')
"""Keys that only datasets of a round have; others keep the identity that they had before there were rounds."""


def identity_of(plan: Synthesis, source: Source, filters: Sequence[Filter], device: str) -> dict[str, Any]:
    """Return all values that determine the bytes of a dataset, except the keys in :data:`EXTENT`.

    Args:
        plan: Plan of the dataset.
        source: Source of the plan.
        filters: Filters of the plan, in their order.
        device: Name of the device.

    Returns:
        JSON values: config, checksums of files (of a filter's files as ``<filter>.<file>``), versions of libraries and type
        of device.
    """
    import PIL
    from PIL import features

    config = {key: value for key, value in plan.plain().items() if key not in EXTENT and not (key in OF_ROUNDS and value is None)}
    of_source, of_filters = source.identity(), {entry.name: entry.identity() for entry in filters}
    config['source'], config['filters'] = of_source['config'], [part['config'] for part in of_filters.values()]
    checksums = dict(of_source['checksums'])
    versions = dict(mmbdg=__version__, torch=torch.__version__.split('+')[0], numpy=np.__version__, pillow=PIL.__version__)
    versions |= {codec: features.version(codec) for codec in ('zlib', 'jpg')} | of_source['versions']
    for name, part in of_filters.items():
        checksums |= {f'{name}.{file}': checksum for file, checksum in part['checksums'].items()}
        versions |= part['versions']
    content = dict(config=config, checksums=checksums, versions=versions, device=torch.device(device).type)
    return parsed_json(json.dumps(content), 'the identity of the dataset')
