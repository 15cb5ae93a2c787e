"""Files of Fashion-MNIST: the embedded subset, or an installed full set."""

import gzip
import io
import os
import zipfile
import zlib
from functools import cache
from math import prod
from pathlib import Path

import numpy as np

from mmbdg.errors import InputError
from mmbdg.files import write_atomically
from mmbdg.reading import read_arrays, read_bytes

CLASSES = ('t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle boot')
EMBEDDED = Path(__file__).parents[1] / 'assets' / 'fashion32' / 'images.npz'
MOST_BYTES = 2**28
"""Maximum uncompressed size in bytes of a file of the full set; the largest has 47 MB."""
PADDING = 2
"""Zero pixels on each side: 28 px become 32 px."""

# Folders of Debian's package dataset-fashion-mnist and of torchvision.datasets.FashionMNIST(root='data', download=True).
FULL_ROOTS = ('/usr/share/datasets/fashion-mnist', 'data/FashionMNIST/raw')


def read_idx(path: str | os.PathLike) -> np.ndarray:
    """Read an IDX file of unsigned bytes, gzipped or not, as a uint8 array of the shape in its header.

    Raises:
        InputError: The file is not an IDX file of unsigned bytes, or is truncated.
    """
    path = Path(path)
    content = read_bytes(path, MOST_BYTES)
    if path.suffix == '.gz':
        try:
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(MOST_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f'{path} is cut off or no gzip file; install it again ({error})') from error
        if len(content) > MOST_BYTES:
            raise InputError(f'{path} unpacks to more than {MOST_BYTES:,} bytes, which Fashion-MNIST does not')
    if content[:3] != b'\x00\x00\x08' or len(content) < 4 or len(content) < 4 + 4 * content[3]:
        raise InputError(f'{path} is no IDX file of unsigned bytes')
    ndim = content[3]
    shape = tuple(np.frombuffer(content, '>u4', ndim, offset=4).tolist())
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * ndim)
    if values.size != prod(shape):
        raise InputError(f'{path} is cut off: {values.size} of {prod(shape)} bytes')
    return values.reshape(shape)


def find_full(root: str | os.PathLike | None = None) -> Path:
    """Find the folder of the full set.

    Raises:
        InputError: It is in none of the known places; the message says how to install it.
    """
    for candidate in [root] if root else FULL_ROOTS:
        if any((Path(candidate) / f'train-images-idx3-ubyte{suffix}').exists() for suffix in ('', '.gz')):
            return Path(candidate)
    raise InputError(
        f'the full Fashion-MNIST was not found in {root or " or ".join(FULL_ROOTS)}: "apt-get install '
        'dataset-fashion-mnist", or torchvision.datasets.FashionMNIST("data", download=True), '
        'or use source="embedded"'
    )


def _existing(path: Path) -> Path:
    for candidate in (path, path.with_name(f'{path.name}.gz')):
        if candidate.is_file():
            return candidate
    raise InputError(f'{path}[.gz] is missing: the full Fashion-MNIST in {path.parent} is incomplete')


@cache
def load_fashion(split: str, source: str = 'embedded') -> tuple[np.ndarray, np.ndarray]:
    """Load images and labels of one split.

    Args:
        split: Official split, "train" or "test".
        source: "embedded" for the subset in this package (10,000 + 1,000), "full" for an installed full set (60,000 + 10,000), or the
            folder of the full set.

    Returns:
        Images, uint8 (N,32,32), zero-padded from 28 px; labels, int64 (N,).
    """
    if split not in ('train', 'test'):
        raise ValueError(f'split must be "train" or "test", got "{split}"')
    if source == 'embedded':
        names = (f'{split}_images', f'{split}_labels')
        arrays = read_arrays(EMBEDDED, names)
        images, labels = (arrays[name] for name in names)
    else:
        root = find_full(None if source == 'full' else source)
        name = dict(train='train', test='t10k')[split]
        images, labels = (read_idx(_existing(root / f'{name}-{kind}-ubyte')) for kind in ('images-idx3', 'labels-idx1'))
        if images.shape != (len(labels), 28, 28) or labels.ndim != 1 or labels.max(initial=0) >= len(CLASSES):
            raise InputError(
                f'{root} holds images of shape {images.shape} and {len(labels)} labels up to {labels.max(initial=0)}; '
                'that is not Fashion-MNIST'
            )
    pad = ((0, 0), (PADDING, PADDING), (PADDING, PADDING))
    return np.pad(images, pad), labels.astype(np.int64)


def write_subset(path: str | os.PathLike, root: str | os.PathLike | None, per_class: dict[str, int]) -> None:
    """Write the embedded subset: the first ``per_class[split]`` images of each class of each official split, in the official order.

    The file is a plain ``.npz`` of uint8 and int32 arrays; its bytes depend only on the images.
    """
    folder = find_full(root)
    arrays = {}
    for split, count in per_class.items():
        _, labels = load_fashion(split, str(folder))
        images = load_fashion(split, str(folder))[0][:, PADDING:-PADDING, PADDING:-PADDING]
        indices = np.sort(np.concatenate([np.flatnonzero(labels == c)[:count] for c in range(len(CLASSES))]))
        arrays |= {
            f'{split}_images': images[indices],
            f'{split}_labels': labels[indices].astype(np.uint8),
            f'{split}_indices': indices.astype(np.int32),
        }
    write_atomically(path, lambda part: _write_npz(part, arrays))


def _write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Same as ``numpy.savez``, but with LZMA (10 % smaller than numpy's compression) and fixed dates."""
    with zipfile.ZipFile(path, 'w') as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f'{name}.npy')
            info.compress_type = zipfile.ZIP_LZMA
            with archive.open(info, 'w') as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
