"""Child registries of mmengine's registries, with scope ``mmbdg``.

For ``type='mmbdg.X'`` in a config, mmengine imports this module and calls its registry, which imports the packages that may define ``X``.
"""

from importlib import import_module
from typing import Any

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODEL_WRAPPERS as MMENGINE_MODEL_WRAPPERS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import WEIGHT_INITIALIZERS as MMENGINE_WEIGHT_INITIALIZERS
from mmengine.registry import Registry

OPENMMLAB_PACKAGES = ('mmcv', 'mmpretrain', 'mmseg', 'mmdet')
INSTALL_HINT = 'pip install "mmbdg[onedl]"'


class RoomRegistry(Registry):
    """Registry that first searches the modules that need no mm packages.

    Generators and interpreters need only torch, numpy and mmengine. ``mmengine.registry.Registry.get`` imports all locations before it
    searches, so that sampling labelled images would need all of OpenMMLab.

    Args:
        name: Name of the registry.
        light: Modules that can be imported without mmcv, mmpretrain, mmseg and mmdet; default: none.
        **kwargs: Arguments of ``mmengine.registry.Registry``; ``locations`` may need the mm packages.

    Raises:
        ImportError: (in ``get``) The name is not in a light module, and an mm package is not installed.
    """

    def __init__(self, name: str, light: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self._light = light

    def get(self, key: str) -> type | None:
        scope, name = self.split_scope_key(key)
        if scope in (None, self._scope):
            for location in self._light:
                import_module(location)
            if name in self._module_dict:
                return self._module_dict[name]
        try:
            return super().get(key)
        except ModuleNotFoundError as error:
            if (error.name or '').split('.')[0] in OPENMMLAB_PACKAGES:
                raise ImportError(f'"{key}" needs {error.name}, which is not installed: {INSTALL_HINT}') from error
            raise


MODELS = RoomRegistry(
    'model', parent=MMENGINE_MODELS, light=('mmbdg.generators', 'mmbdg.interpreter', 'mmbdg.sources'), locations=['mmbdg.models']
)
MODEL_WRAPPERS = RoomRegistry('model_wrapper', parent=MMENGINE_MODEL_WRAPPERS, locations=['mmbdg.models'])
DATA_SAMPLERS = RoomRegistry('data sampler', parent=MMENGINE_DATA_SAMPLERS, locations=['mmbdg.engine'])
DATASETS = RoomRegistry('dataset', parent=MMENGINE_DATASETS, locations=['mmbdg.datasets'])
TRANSFORMS = RoomRegistry('transform', parent=MMENGINE_TRANSFORMS, locations=['mmbdg.datasets'])
HOOKS = RoomRegistry('hook', parent=MMENGINE_HOOKS, locations=['mmbdg.engine'])
METRICS = RoomRegistry('metric', parent=MMENGINE_METRICS, locations=['mmbdg.evaluation'])
OPTIM_WRAPPERS = RoomRegistry('optimizer wrapper', parent=MMENGINE_OPTIM_WRAPPERS, locations=['mmbdg.engine'])
OPTIM_WRAPPER_CONSTRUCTORS = RoomRegistry(
    'optimizer wrapper constructor', parent=MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS, locations=['mmbdg.engine']
)
PARAM_SCHEDULERS = RoomRegistry('parameter scheduler', parent=MMENGINE_PARAM_SCHEDULERS, locations=['mmbdg.engine'])
SOURCES = Registry('source', locations=['mmbdg.sources'])
FILTERS = Registry('filter', locations=['mmbdg.synthesis.filters'])
EMBEDDERS = Registry('embedder', locations=['mmbdg.embedders'])
SELECTIONS = RoomRegistry('selection', light=('mmbdg.synthesis.selections',))
WEIGHT_INITIALIZERS = RoomRegistry(
    'weight initializer',
    parent=MMENGINE_WEIGHT_INITIALIZERS,
    light=('mmbdg.backbones', 'mmbdg.published_weights', 'mmbdg.pipeline_weights'),
)
