"""Steps that drop samples that are too similar to other images: near-duplicates, and copies of test images."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmbdg.embedders import Embedder, build_embedder
from mmbdg.errors import InputError
from mmbdg.images import open_image
from mmbdg.listing import list_files
from mmbdg.registry import SELECTIONS
from mmbdg.storage.checksums import file_checksum, lines_checksum
from mmbdg.synthesis.selections.base import SCOPES, Choice, Pair, Samples, Selection
from mmbdg.synthesis.selections.embedded import BATCH, embedded


@dataclass(frozen=True)
class SimilaritySelection(Selection):
    """Drops samples whose embedding has a cosine similarity above a threshold with that of another image.

    The threshold depends on the embedder: that of a paper is not valid for other networks. Choose it by the pairs in the report.

    Args:
        embedder: Config of an embedder: ``dict(type='mmbdg.OpenCLIP', folder=PATH)`` or ``dict(type='mmbdg.ClassifierFeatures', ...)``.
        threshold: Largest cosine similarity of kept samples, -1 to 1.
        device: Device on which the embedder computes. Default: "cpu".

    Raises:
        InputError: An argument is wrong, the embedder cannot be built, or faiss is not installed.
    """

    embedder: Mapping[str, Any]
    threshold: float
    device: str = 'cpu'
    model: Embedder = field(init=False, repr=False)

    def __post_init__(self) -> None:
        name, value = type(self).__name__, self.threshold
        if not isinstance(value, int | float) or isinstance(value, bool) or not -1 <= value <= 1:
            raise InputError(f'{name}.threshold must be a number in [-1, 1], got {value!r}')
        _faiss()
        object.__setattr__(self, 'model', build_embedder(self.embedder, self.device, f'{name}.embedder'))

    def choose(self, samples: Samples) -> Choice:
        pairs = self.pairs(samples, embedded(samples, self.model))
        kept = np.ones(len(samples), bool)
        kept[[pair.sample for pair in pairs]] = False
        return Choice(kept, {}, pairs)

    @abstractmethod
    def pairs(self, samples: Samples, vectors: np.ndarray) -> list[Pair]:
        """Find the samples to drop, ascending, each with the image that it is similar to.

        Args:
            samples: Samples to choose from.
            vectors: Their embeddings, float32 (N,D).
        """

    def identity(self) -> dict[str, Any]:
        return dict(type=f'mmbdg.{type(self).__name__}', embedder=self.model.identity(), threshold=self.threshold)


@SELECTIONS.register_module()
@dataclass(frozen=True)
class NearDuplicates(SimilaritySelection):
    """Drops samples that are nearly equal to an earlier sample that is kept.

    Args:
        embedder, threshold, device: See :class:`SimilaritySelection`.
        scope: "class" compares the samples of each class, "dataset" all samples. Default: "class".
    """

    scope: str = 'class'

    def __post_init__(self) -> None:
        if self.scope not in SCOPES:
            raise InputError(f'NearDuplicates.scope must be one of {", ".join(SCOPES)}, got {self.scope!r}')
        super().__post_init__()

    def pairs(self, samples: Samples, vectors: np.ndarray) -> list[Pair]:
        found = []
        groups = samples.class_ids if self.scope == 'class' else np.zeros(len(samples), np.int32)
        for group in np.unique(groups):
            members = np.flatnonzero(groups == group)
            for i, j, similarity in _earlier_duplicates(vectors[members], self.threshold):
                sample, other = int(members[i]), int(members[j])
                found.append(Pair(sample, samples.title(other), similarity, partial(samples.image, other)))
        return sorted(found, key=lambda pair: pair.sample)

    def identity(self) -> dict[str, Any]:
        return super().identity() | dict(scope=self.scope)


@SELECTIONS.register_module()
@dataclass(frozen=True)
class TestSetLeakage(SimilaritySelection):
    """Drops samples that are nearly equal to an image of a test set ("The Unmet Promise", section 3.3 and appendix B.2).

    The paper drops a retrieved image whose similarity with any test image exceeds 0.604169, for the ISC21 descriptor isc_ft_v107. For
    other embedders, choose the threshold by the pairs in the report.

    Args:
        embedder, threshold, device: See :class:`SimilaritySelection`.
        against: Folders of test images, including all subfolders.

    Raises:
        InputError: See :class:`SimilaritySelection`; or a folder is missing or has no image.
    """

    __test__ = False  # pytest collects classes with this prefix as tests

    against: Sequence[str] = ()
    files: tuple[Path, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        folders = [self.against] if isinstance(self.against, str) else list(self.against)
        if not folders:
            raise InputError('TestSetLeakage.against must name at least one folder of test images')
        found: list[Path] = []
        for folder in folders:
            if not Path(folder).is_dir():
                raise InputError(f'TestSetLeakage.against: there is no folder {folder}')
            files = list_files(folder).log().files
            if not files:
                raise InputError(f'TestSetLeakage.against: there is no image in {folder}')
            found += files
        object.__setattr__(self, 'files', tuple(found))
        super().__post_init__()

    def pairs(self, samples: Samples, vectors: np.ndarray) -> list[Pair]:
        from tqdm import tqdm

        index = _faiss().IndexFlatIP(self.model.dim)
        starts = range(0, len(self.files), BATCH)
        for start in tqdm(starts, unit='batch', desc='test images', dynamic_ncols=True, disable=not samples.progress):
            index.add(self.model.images([open_image(path) for path in self.files[start : start + BATCH]]).numpy())
        similarities, nearest = index.search(vectors, 1)
        return [
            Pair(i, str(self.files[nearest[i, 0]]), float(similarities[i, 0]), partial(open_image, self.files[nearest[i, 0]]))
            for i in np.flatnonzero(similarities[:, 0] > self.threshold).tolist()
        ]

    def identity(self) -> dict[str, Any]:
        files = lines_checksum(dict(file=path.name, blake2b=file_checksum(path)) for path in self.files)
        return super().identity() | dict(test_images=len(self.files), test_set=files)


def _earlier_duplicates(vectors: np.ndarray, threshold: float) -> list[tuple[int, int, float]]:
    """Rows to drop, ascending, each with the most similar row before it that is kept, and their similarity."""
    index = _faiss().IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    dropped, found = np.zeros(len(vectors), bool), []
    for start in range(0, len(vectors), 1024):
        limits, similarities, rows = index.range_search(vectors[start : start + 1024], threshold)
        for i in range(start, min(start + 1024, len(vectors))):
            part = slice(limits[i - start], limits[i - start + 1])
            earlier = (rows[part] < i) & ~dropped[np.minimum(rows[part], i)]
            if earlier.any():
                dropped[i] = True
                best = np.lexsort((rows[part][earlier], -similarities[part][earlier]))[0]
                found.append((i, int(rows[part][earlier][best]), float(similarities[part][earlier][best])))
    return found


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise InputError(f'comparing images needs faiss, which cannot be imported ({error}): pip install "mmbdg[clip]"') from error
    return faiss
