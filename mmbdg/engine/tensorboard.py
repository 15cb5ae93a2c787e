"""TensorBoard beside the local files: optional."""

from importlib.util import find_spec

from mmengine.config import Config

from mmbdg.errors import InputError

BACKEND = 'TensorboardVisBackend'


def add_tensorboard(cfg: Config) -> None:
    """Let the visualizer of a config write event files too, once."""
    if not _is_in(cfg):
        cfg.visualizer.vis_backends = [*(cfg.visualizer.get('vis_backends') or []), dict(type=BACKEND)]


def check_tensorboard(cfg: Config) -> None:
    """Refuse a visualizer that cannot be built; mmengine says so in the middle of its start-up, and names packages nobody needs.

    Raises:
        InputError: The config wants TensorBoard, and it is not installed.
    """
    if _is_in(cfg) and find_spec('tensorboard') is None:
        raise InputError(
            f'the visualizer has a {BACKEND} and TensorBoard is not installed: pip install "mmbdg[tensorboard]", or take the backend out '
            'of visualizer.vis_backends (train without --tensorboard)'
        )


def _is_in(cfg: Config) -> bool:
    backends = (cfg.get('visualizer') or {}).get('vis_backends') or []
    return any(str(backend.get('type')).endswith(BACKEND) for backend in backends)
