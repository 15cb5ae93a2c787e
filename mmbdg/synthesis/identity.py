"""What decides the bytes of a dataset."""

import json
from importlib import metadata
from typing import Any

import numpy as np
import torch

from mmbdg.classifiers import classifier_files, classifier_identity
from mmbdg.files import sha256
from mmbdg.reading import parsed_json
from mmbdg.sources.labelled_generator import CARD, LabelledGenerator
from mmbdg.synthesis.plan import Synthesis
from mmbdg.version import __version__

# How many samples of which classes are asked for: more are added to what is there.
EXTENT = ('num_per_class', 'classes', 'max_candidates')


def identity_of(plan: Synthesis, generator: LabelledGenerator, device: str) -> dict[str, Any]:
    """All that decides the bytes of a dataset but how many samples of which classes are asked for.

    Returns:
        Plain values: config, checksums of the weights, versions, kind of device.
    """
    import PIL
    from PIL import features

    folder = LabelledGenerator.find(plan.labelled_generator)
    checksums = {name: sha256(folder / name) for name in (CARD, 'generator.safetensors', 'interpreter.safetensors')}
    if plan.classifier:
        (checksums['classifier'],) = map(sha256, classifier_files(plan.classifier))
    config = {key: value for key, value in plan.plain().items() if key not in (*EXTENT, 'labelled_generator')}
    config['truncation'], config['ignore_above'] = generator.truncation, generator.ignore_above
    if plan.classifier:  # which file it is says its checksum; where it lies decides nothing
        config['classifier'] = classifier_identity(plan.classifier)
    versions = dict(mmbdg=__version__, torch=torch.__version__.split('+')[0], numpy=np.__version__, pillow=PIL.__version__)
    versions |= {codec: features.version(codec) for codec in ('zlib', 'jpg')}
    if plan.classifier and plan.classifier['type'] in ('torchvision', 'timm'):  # how they prepare images for it is theirs
        versions[plan.classifier['type']] = metadata.version(plan.classifier['type']).split('+')[0]
    content = dict(config=config, checksums=checksums, versions=versions, device=torch.device(device).type)
    return parsed_json(json.dumps(content), 'what decides the bytes of the dataset')
