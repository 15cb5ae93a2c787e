"""Disk cache for features of annotated latents: the generator is frozen, and a small dataset is read hundreds of times."""

import shutil
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import torch
from mmengine.dist import get_world_size
from torch import Tensor

from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors

GIB = 2**30
DTYPES = {'float32': torch.float32, 'float16': torch.float16}


class FeatureCache:
    """Caches features in one file per latent and class. Features that exceed the size limit are recomputed each time.

    Several processes can share a folder: files are written atomically, and their names are hashes of everything the features depend on.

    Args:
        folder: Folder of the cache; created if missing.
        identity: Everything the features depend on besides latent and class, e.g. a hash of the generator's weights.
        max_gib: Maximum size of the folder in GiB, shared equally by the processes of a training.
        dtype: 'float32', or 'float16' for half the size and features rounded to 11 bits.

    Raises:
        InputError: The dtype is unknown; later, a feature value is too large for it.
    """

    def __init__(self, folder: str, identity: Sequence[str], max_gib: float = 20.0, dtype: str = 'float32') -> None:
        if dtype not in DTYPES:
            raise InputError(f'feature_cache.dtype must be one of {", ".join(DTYPES)}, got {dtype!r}')
        self.identity, self.dtype = '/'.join(['1', *identity, dtype]), DTYPES[dtype]  # 1: version of the file layout
        self.folder, self.max_bytes = Path(folder), max_gib * GIB / get_world_size()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._bytes = sum(path.stat().st_size for path in self.folder.glob('*.safetensors'))

    def features(self, z: Tensor, y: Tensor, compute: Callable[[Tensor], list[Tensor]]) -> list[Tensor]:
        """Features (N,C_i,R_i,R_i) of latents (N,D) and classes (N,).

        Args:
            z, y: Latents float (N,D) and classes int64 (N,) of the batch.
            compute: Function that computes the features of some rows of the batch, given their indices int64 (n,).
        """
        paths = [self._path(latent, label) for latent, label in zip(z.cpu(), y.tolist(), strict=True)]
        found = {path: self._read(path, z.device) for path in set(paths)}
        missing = [i for i, path in enumerate(paths) if found[path] is None and path not in paths[:i]]
        computed = compute(torch.tensor(missing, device=z.device)) if missing else []
        for k, i in enumerate(missing):
            found[paths[i]] = [feature[k].to(self.dtype) for feature in computed]
            self._write(paths[i], found[paths[i]])
        return [torch.stack(taps) for taps in zip(*[found[path] for path in paths], strict=True)]

    def _path(self, latent: Tensor, label: int) -> Path:
        content = f'{self.identity}/{latent.dtype}/{label}/'.encode() + latent.contiguous().numpy().tobytes()
        return self.folder / f'{sha256(content).hexdigest()}.safetensors'

    def _write(self, path: Path, taps: list[Tensor]) -> None:
        size = sum(tap.numel() * tap.element_size() for tap in taps)
        if self._bytes + size > self.max_bytes or size > shutil.disk_usage(self.folder).free / 2:
            return
        if not all(tap.isfinite().all() for tap in taps):
            raise InputError(f'features do not fit {self.dtype}: set feature_cache.dtype="float32"')
        write_safetensors(path, {f'{i:03d}': tap.contiguous() for i, tap in enumerate(taps)})
        self._bytes += size

    def _read(self, path: Path, device: torch.device) -> list[Tensor] | None:
        """Read a file; None if it is missing or damaged, then it is written again."""
        try:
            taps = read_checkpoint(path, device) if path.is_file() else {}
        except InputError:
            return None
        return [taps[name] for name in sorted(taps)] or None


def fingerprint(state: dict[str, Tensor]) -> str:
    """SHA-256 of the names and values of a state dict, as hexadecimal string."""
    digest = sha256()
    for name, value in sorted(state.items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
