"""Choose the meaning of a class's name: by a curated list, else by the similarity of candidates with real images of the class."""

from collections.abc import Sequence

import numpy as np
import torch

from mmbdg.embedders import Embedder
from mmbdg.embedders.zero_shot import class_vectors, filled
from mmbdg.sources.class_list import ImageClass
from mmbdg.sources.senses import CURATED, GIVEN, IMAGES, NOBODY, ClassSenses, curated_name, with_sense

TEMPLATES = ('a photo of a {}', 'a picture of a {}', '{}')


def settled(one: ImageClass, curated: bool = True) -> ClassSenses | None:
    """Choice without images: the sense in the list of classes, or the curated name; None if there is neither."""
    plain = dict(id=one.id, name=one.name, candidates=[], scores=[], images=0, margin=None)
    if one.sense:
        return ClassSenses(**plain, choice=one.sense, decided_by=GIVEN)
    if curated and (name := curated_name(one)):
        return ClassSenses(**plain, choice=name, decided_by=CURATED)
    return None


def choose(
    one: ImageClass,
    candidates: Sequence[str],
    images: Sequence[np.ndarray],
    embedder: Embedder | None,
    templates: Sequence[str] = TEMPLATES,
) -> ClassSenses:
    """Choose the candidate with the largest mean cosine similarity between its text and real images of the class.

    A candidate's text is the class with this sense, put into each template; its vector is the mean of the templates' vectors, scaled to
    length 1. Without images nothing is chosen, since the name alone does not determine the sense.

    Args:
        one: The class.
        candidates: Senses, or whole names that contain the class's name.
        images: Real images of the class, RGB uint8 (H,W,3).
        embedder: Embedder of images and texts; None is allowed without images.
        templates: Texts with one ``{}`` each.
    """
    if not candidates or not images or embedder is None:
        known = dict(candidates=list(candidates), scores=[], images=len(images), margin=None)
        return ClassSenses(id=one.id, name=one.name, **known, choice='', decided_by=NOBODY)
    texts = [filled(template, with_sense(one, candidate).text) for candidate in candidates for template in templates]
    vectors = class_vectors(embedder.texts(texts).view(len(candidates), len(templates), -1))
    scores = (embedder.images(images).double() @ vectors.double().T).mean(0)
    ranked = torch.sort(scores, descending=True).values
    return ClassSenses(
        id=one.id,
        name=one.name,
        candidates=list(candidates),
        scores=[round(score, 6) for score in scores.tolist()],
        images=len(images),
        margin=round(float(ranked[0] - ranked[1]), 6) if len(ranked) > 1 else None,
        choice=candidates[int(scores.argmax())],
        decided_by=IMAGES,
    )
