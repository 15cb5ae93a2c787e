"""Optional TensorBoard logging, in addition to the local log files."""

from importlib.util import find_spec

from mmengine.config import Config

from mmbdg.errors import InputError

BACKEND = 'TensorboardVisBackend'


def add_tensorboard(cfg: Config, wanted: bool = True) -> None:
    """Add the TensorBoard backend to the config's visualizer, unless it is already there.

    Args:
        cfg: Config of the training; changed in place.
        wanted: Value of ``--tensorboard``; False changes nothing. Default: True.
    """
    if wanted and not _is_in(cfg):
        cfg.visualizer.vis_backends = [*(cfg.visualizer.get('vis_backends') or []), dict(type=BACKEND)]


def check_tensorboard(cfg: Config) -> None:
    """Check that TensorBoard is installed if the config uses it; mmengine's own error comes late and names packages that are not needed.

    Raises:
        InputError: The config uses TensorBoard, but it is not installed.
    """
    if _is_in(cfg) and find_spec('tensorboard') is None:
        raise InputError(
            f'the visualizer has a {BACKEND}, but TensorBoard is not installed: pip install "mmbdg[tensorboard]", or remove the backend '
            'from visualizer.vis_backends (train without --tensorboard)'
        )


def _is_in(cfg: Config) -> bool:
    backends = (cfg.get('visualizer') or {}).get('vis_backends') or []
    return any(str(backend.get('type')).endswith(BACKEND) for backend in backends)
