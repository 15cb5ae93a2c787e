"""Find unknown keys in a config, such as misspelt ones, before anything is built.

The allowed keys of a dict follow from the class that its ``type`` names, or from the way mmengine uses the dict. Where they are not known,
every key is accepted: refusing a valid key would be worse than accepting a wrong one, which fails later when it is used.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import mmengine.registry

import mmbdg.registry
from mmbdg.compat.signatures import accepted_arguments
from mmbdg.errors import nearest


class Role(NamedTuple):
    """Role of a dict in a config: what is built from it, and which keys it may have.

    Args:
        registries: Names of the registries in ``mmengine.registry`` that may know its type; a key is valid if the type found in any of
            them accepts it.
        default: Type of a dict without ``type``; default None: the dict is plain data, whose keys are not checked.
        more: Keys that are removed from the dict before its class is built.
        known: Function that returns the valid keys of a dict from which no class is built; default None.
        open: Whether other keys may be valid too, so that only keys set on the command line are checked; default False.
        parts: Roles of the values at given keys.
        rest: Role of the values at all other keys; default 'any'.
        by_name: Whether a dict without ``type`` holds dicts of role ``rest`` under freely chosen names; default False.
    """

    registries: tuple[str, ...] = ()
    default: str | None = None
    more: frozenset[str] = frozenset()
    known: Callable[[], frozenset[str]] | None = None
    open: bool = False
    parts: Mapping[str, str] = {}
    rest: str = 'any'
    by_name: bool = False


def _loader() -> frozenset[str]:
    from torch.utils.data import DataLoader

    given = {'dataset', 'num_batch_per_epoch', 'sampler', 'batch_sampler', 'worker_init_fn', 'collate_fn', 'disable_subprocess_warning'}
    return frozenset(given | set(inspect.signature(DataLoader.__init__).parameters) - {'self'})


def _randomness() -> frozenset[str]:
    from mmengine.runner import Runner

    return frozenset(set(inspect.signature(Runner.set_randomness).parameters) - {'self'})


PARAMWISE = (
    *('custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'flat_decay_mult', 'dwconv_decay_mult', 'dcn_offset_lr_mult'),
    *('bypass_duplicate', 'num_layers', 'decay_rate', 'decay_type', 'layer_decay_rate'),
)

ROLES = {
    'any': Role(('MODELS', 'TASK_UTILS', 'DATASETS', 'TRANSFORMS', 'METRICS')),
    'data': Role(rest='data'),
    'model': Role(('MODELS',)),
    'wrapper': Role(('MODEL_WRAPPERS',), rest='data'),
    'init': Role(('WEIGHT_INITIALIZERS',), more=frozenset({'override', 'name', 'source'}), rest='data'),
    'norm': Role(('MODELS',), more=frozenset({'requires_grad'}), rest='data'),
    'loader': Role(
        known=_loader,
        parts=dict(dataset='dataset', sampler='sampler', batch_sampler='sampler', collate_fn='function', worker_init_fn='function'),
    ),
    'dataset': Role(('DATASETS',)),
    'transform': Role(('TRANSFORMS',)),
    'selection_step': Role(('SELECTIONS',), rest='data'),
    'embedder': Role(('EMBEDDERS',), rest='data'),
    'sampler': Role(('DATA_SAMPLERS',)),
    'function': Role(('FUNCTIONS',), rest='data'),
    'optim_wrapper': Role(
        ('OPTIM_WRAPPERS',),
        default='OptimWrapper',
        more=frozenset({'constructor', 'paramwise_cfg'}),
        parts=dict(optimizer='optimizer', paramwise_cfg='paramwise', clip_grad='data'),
    ),
    'optim_wrappers': Role(more=frozenset({'constructor'}), rest='optim_wrapper', by_name=True),
    'optimizer': Role(('OPTIMIZERS',), rest='data'),
    'paramwise': Role(known=lambda: frozenset(PARAMWISE), open=True, rest='data'),
    'scheduler': Role(('PARAM_SCHEDULERS',), more=frozenset({'convert_to_iter_based'}), rest='data'),
    'schedulers': Role(rest='scheduler', by_name=True),
    'metric': Role(('METRICS',)),
    'evaluator': Role(('EVALUATOR',), default='Evaluator', parts=dict(metrics='metric')),
    'hook': Role(('HOOKS',), more=frozenset({'priority'})),
    'hooks': Role(rest='hook', by_name=True),
    'visualizer': Role(('VISUALIZERS',), default='Visualizer', parts=dict(vis_backends='backend')),
    'backend': Role(('VISBACKENDS',), rest='data'),
    'log_processor': Role(('LOG_PROCESSORS',), default='LogProcessor', rest='data'),
    'train_loop': Role(('LOOPS',), rest='data'),
    'epoch_loop': Role(('LOOPS',), default='EpochBasedTrainLoop', more=frozenset({'by_epoch'}), rest='data'),
    'iter_loop': Role(('LOOPS',), default='IterBasedTrainLoop', more=frozenset({'by_epoch'}), rest='data'),
    'val_loop': Role(('LOOPS',), default='ValLoop', rest='data'),
    'test_loop': Role(('LOOPS',), default='TestLoop', rest='data'),
    'env': Role(
        known=lambda: frozenset({'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'}), parts=dict(mp_cfg='mp', dist_cfg='dist')
    ),
    'mp': Role(known=lambda: frozenset({'mp_start_method', 'opencv_num_threads'})),
    'dist': Role(known=lambda: frozenset({'backend', 'timeout', 'init_backend', 'init_method', 'port'}), open=True),
    'randomness': Role(known=_randomness),
    'auto_scale': Role(known=lambda: frozenset({'enable', 'base_batch_size'})),
    'imports': Role(known=lambda: frozenset({'imports', 'allow_failed_imports'})),
}

TOP = {
    **dict(model='model', data_preprocessor='model', model_wrapper_cfg='wrapper', generator='model', classifier='any'),
    **{f'{part}_dataloader': 'loader' for part in ('train', 'val', 'test')},
    **dict(train_cfg='train_loop', val_cfg='val_loop', test_cfg='test_loop', val_evaluator='metric', test_evaluator='metric'),
    **dict(optim_wrapper='optim_wrapper', param_scheduler='scheduler', default_hooks='hooks', custom_hooks='hook'),
    **dict(visualizer='visualizer', log_processor='log_processor', env_cfg='env', randomness='randomness'),
    **dict(auto_scale_lr='auto_scale', custom_imports='imports'),
}
"""Roles of the top-level keys of a config; other top-level keys are not checked."""

EVERYWHERE = dict(
    pipeline='transform',
    transforms='transform',
    dataset='dataset',
    datasets='dataset',
    data_preprocessor='model',
    init_cfg='init',
    norm_cfg='norm',
)
"""Roles of values by their key, in any dict whose role does not define that key in ``parts``."""

UNKNOWN = {'metainfo', 'meta', 'data_prefix', 'img_norm_cfg', 'custom_keys'}
"""Keys of plain data, which is not checked."""

CLOSED_IN = {'Albu', 'Albumentations', 'Albumentation'}
"""Types whose nested dicts are built by another library."""

NOT_FOUND = '?'
"""Name that stands for a class that cannot be found; its nested dicts are not checked either."""

FREE = frozenset({'type', '_scope_', '_delete_'})
"""Keys that mmengine itself uses in every dict."""


class Node(NamedTuple):
    """Dict of a config with its valid keys.

    Args:
        place: Dotted key of the dict.
        value: The dict itself.
        role: Role of the dict.
        scope: Scope in which types without a scope are looked up.
        builds: Name of what is built from the dict; '' for plain data.
        takes: Valid keys; None if they are not known.
        targets: Classes and functions that the types of the enclosing dicts and of this dict may name, outermost first.
    """

    place: str
    value: Mapping
    role: Role
    scope: str
    builds: str
    takes: frozenset[str] | None
    targets: tuple[Callable, ...]

    def may_hold(self, key: str) -> bool | None:
        """Whether a key is valid; None if that is not known."""
        if self.takes is None:
            return None if self.builds else any(_reads(target, key) for target in self.targets)
        return key in self.takes or any(_reads(target, key) for target in self.targets)


def register_part(key: str, role: Role) -> None:
    """Define the role of a top-level key that mmengine does not know."""
    ROLES[key], TOP[key] = role, key


def unknown_keys(cfg: Mapping, parts: Iterable[str]) -> Iterator[str]:
    """Yield one sentence for each unknown key of a config.

    Args:
        cfg: Config to check.
        parts: Top-level keys to check.
    """
    for part in parts:
        for node in _nodes(part, cfg.get(part), _top(cfg, part), TOP.get(part, 'data')):
            if node.role is ROLES['optimizer'] and node.builds == NOT_FOUND and node.scope != 'mmengine':  # building it fails unclearly
                kind = str(node.value.get('type'))
                yield f'{node.place}.type: there is no optimizer "{kind}"{nearest(kind, mmengine.registry.OPTIMIZERS.module_dict)}'
            for key in node.value if node.takes is not None and not node.role.open else ():
                if not node.may_hold(key):
                    yield f'{node.place}.{key}: {node.builds} takes no "{key}"{nearest(key, node.takes - FREE)}'


def node_at(cfg: Mapping, keys: Sequence[str]) -> Node | None:
    """Dict at a position below the top of a config; None if there is none."""
    node, value, role = _top(cfg, keys[0]), cfg.get(keys[0]), TOP.get(keys[0], 'data')
    for number, key in enumerate([*keys[1:], '']):
        if isinstance(value, list | tuple) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
            continue
        if not isinstance(value, Mapping):
            return None
        node = described('.'.join(keys[: number + 1]), value, node, role)
        value, role = value.get(key), role_of_part(node, key)
    return node


def _top(cfg: Mapping, part: str) -> Node:
    return Node(part, cfg, ROLES['data'], cfg.get('default_scope') or 'mmengine', '', None, ())


def _nodes(place: str, value: Any, above: Node, role: str) -> Iterator[Node]:
    """Yield the dicts at a position and below it."""
    if isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _nodes(f'{place}.{number}', part, above, role)
    elif isinstance(value, Mapping) and role != 'data':
        yield (node := described(place, value, above, role))
        for key, part in value.items():
            yield from _nodes(f'{place}.{key}', part, node, role_of_part(node, key))


def described(place: str, value: Mapping, above: Node, role: str) -> Node:
    """Make the :class:`Node` of a dict with a given role below another node."""
    spec, scope = ROLES[_narrowed(role, value)], value.get('_scope_') or above.scope
    kind = value.get('type', spec.default)
    if spec.known is not None:
        return Node(place, value, spec, scope, place, spec.known() | FREE, above.targets)
    if kind is None:
        return Node(place, value, spec, scope, '', None, above.targets)
    own = targets(kind, spec.registries, scope)
    taken = [accepted_arguments(target) for target in own]
    takes = None if not taken or None in taken else frozenset().union(*taken, spec.more, FREE)
    builds = (kind if isinstance(kind, str) else getattr(kind, '__name__', str(kind))) if own else NOT_FOUND
    return Node(place, value, spec, scope, builds, takes, (*above.targets, *own))


def _narrowed(role: str, value: Mapping) -> str:
    """Refine a role by the keys of the dict."""
    if 'type' in value:
        return 'evaluator' if role == 'metric' and 'metrics' in value else role
    if role == 'optim_wrapper' and 'optimizer' not in value and any(isinstance(part, Mapping) for part in value.values()):
        return 'optim_wrappers'
    if role == 'train_loop' and 'by_epoch' in value:
        return 'epoch_loop' if value['by_epoch'] else 'iter_loop'
    if role == 'metric':
        return 'evaluator' if 'metrics' in value else 'data'
    return 'schedulers' if role == 'scheduler' else role


def role_of_part(node: Node, key: Any) -> str:
    """Role of the value at a key of a dict."""
    role = node.role
    if key in role.parts:
        return role.parts[key]
    if (
        not isinstance(key, str)
        or role.rest == 'data'
        or key in UNKNOWN
        or node.builds.split('.')[-1] in CLOSED_IN
        or node.builds == NOT_FOUND
    ):
        return 'data'
    part = node.value.get(key)
    return EVERYWHERE.get(key) or ('data' if key.endswith('_cfg') and isinstance(part, Mapping) and 'type' in part else role.rest)


def targets(kind: Any, registries: tuple[str, ...], scope: str) -> list[Callable]:
    """Classes and functions that a ``type`` may refer to."""
    if not isinstance(kind, str):
        return [kind] if inspect.isclass(kind) or inspect.isfunction(kind) else []
    found = dict.fromkeys(_registered(name, kind, kind.split('.')[0] if '.' in kind else scope) for name in registries)
    placeholders = {target for target in found if '<locals>' in getattr(target, '__qualname__', '')}  # mmpretrain's "please install ..."
    return [target for target in found if target is not None and target not in placeholders]


@cache
def _registered(registry: str, kind: str, scope: str) -> Callable | None:
    """Registered class or function, found as ``Registry.build`` does; None if it is not registered or its package cannot be imported."""
    root = getattr(mmengine.registry if hasattr(mmengine.registry, registry) else mmbdg.registry, registry)
    try:
        with suppress(ImportError):
            import_module(f'{scope}.registry')
        return root.children.get(scope, root).get(kind)
    except Exception:  # raised by an import; building the type raises it again with a message
        return None


@cache
def _reads(target: Callable, key: str) -> bool:
    """Whether the source of a class contains a key: it may read it from a nested config, as DETR's head reads ``bg_cls_weight``."""
    return key in _strings(target)


@cache
def _strings(target: Callable) -> frozenset[str]:
    found: set[str] = set()
    for part in inspect.getmro(target)[:-1] if inspect.isclass(target) else (target,):
        if part.__module__.split('.')[0] not in ('torch', 'builtins', 'abc'):
            with suppress(OSError, TypeError, SyntaxError):
                tree = ast.parse(textwrap.dedent(inspect.getsource(part)))
                found |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(found)
