"""Keys of a config that nothing takes: misspelt ones are named with their place before anything is built.

What a dict of a config may hold is known from the class that its ``type`` names, or from what mmengine makes of it. Where that does not
tell, any key is taken: a key that is right and refused would be worse than one that is wrong and found out when it is used.
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
    """What the dicts at some place of a config become.

    Args:
        registries: Of mmengine that may know the type, in ``mmengine.registry``; the key is right if one of them takes it.
        default: The type where none is given; None for plain data then, of which nothing is known.
        more: Keys that are taken from the dict before its class is built.
        known: Keys that are known, where no class is built.
        open: Whether other keys may be right too, and only one that is asked for on the command line is told.
        parts: Role of what lies at a key.
        rest: Role of all that lies at other keys.
        by_name: Whether the dict holds others of role ``rest`` under names that are free, unless it has a type itself.
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
"""Roles of the keys at the top of a config; of those that are not here nothing is known."""

EVERYWHERE = dict(
    pipeline='transform',
    transforms='transform',
    dataset='dataset',
    datasets='dataset',
    data_preprocessor='model',
    init_cfg='init',
    norm_cfg='norm',
)
"""Roles by key, wherever it stands, unless the role of the dict says otherwise."""

UNKNOWN = {'metainfo', 'meta', 'data_prefix', 'img_norm_cfg', 'custom_keys'}
"""Keys of plain data that nothing is known of."""

CLOSED_IN = {'Albu', 'Albumentations', 'Albumentation'}
"""Types whose parts another library builds."""

NOT_FOUND = '?'
"""In the place of a class that cannot be imported: what it does with its parts is not known either."""

FREE = frozenset({'type', '_scope_', '_delete_'})
"""Keys of mmengine itself."""


class Node(NamedTuple):
    """A dict of a config, and what may be in it.

    Args:
        place: Its dotted key.
        value: It.
        role, scope: Of it; the scope is where names without a package are looked up.
        builds: What is made of it, in words; '' for plain data.
        takes: Keys that it may hold; None if that is not known.
        targets: The classes and functions that its type may mean, and before them those of the dicts around it.
    """

    place: str
    value: Mapping
    role: Role
    scope: str
    builds: str
    takes: frozenset[str] | None
    targets: tuple[Callable, ...]

    def may_hold(self, key: str) -> bool | None:
        """Whether a key is right; None if that is not known."""
        if self.takes is None:
            return None if self.builds else any(_reads(target, key) for target in self.targets)
        return key in self.takes or any(_reads(target, key) for target in self.targets)


def register_part(key: str, role: Role) -> None:
    """Say what may be at a top-level key of a config that is not mmengine's."""
    ROLES[key], TOP[key] = role, key


def unknown_keys(cfg: Mapping, parts: Iterable[str]) -> Iterator[str]:
    """What is wrong with the keys of a config, a sentence for each.

    Args:
        cfg: The config.
        parts: Top-level keys to look through.
    """
    for part in parts:
        for node in _nodes(part, cfg.get(part), _top(cfg, part), TOP.get(part, 'data')):
            if node.role is ROLES['optimizer'] and node.builds == NOT_FOUND and node.scope != 'mmengine':  # building it would not say so
                kind = str(node.value.get('type'))
                yield f'{node.place}.type: there is no optimizer "{kind}"{nearest(kind, mmengine.registry.OPTIMIZERS.module_dict)}'
            for key in node.value if node.takes is not None and not node.role.open else ():
                if not node.may_hold(key):
                    yield f'{node.place}.{key}: {node.builds} takes no "{key}"{nearest(key, node.takes - FREE)}'


def node_at(cfg: Mapping, keys: Sequence[str]) -> Node | None:
    """The dict at a place of a config, below its top; None if there is none."""
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
    """The dicts at a place and below it."""
    if isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _nodes(f'{place}.{number}', part, above, role)
    elif isinstance(value, Mapping) and role != 'data':
        yield (node := described(place, value, above, role))
        for key, part in value.items():
            yield from _nodes(f'{place}.{key}', part, node, role_of_part(node, key))


def described(place: str, value: Mapping, above: Node, role: str) -> Node:
    """What may be in a dict of a role, below another one."""
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
    """The role that the keys of a dict give it."""
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
    """Role of what lies at a key of a dict."""
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
    """The classes and functions that a ``type`` may mean."""
    if not isinstance(kind, str):
        return [kind] if inspect.isclass(kind) or inspect.isfunction(kind) else []
    found = dict.fromkeys(_registered(name, kind, kind.split('.')[0] if '.' in kind else scope) for name in registries)
    placeholders = {target for target in found if '<locals>' in getattr(target, '__qualname__', '')}  # mmpretrain's "please install ..."
    return [target for target in found if target is not None and target not in placeholders]


@cache
def _registered(registry: str, kind: str, scope: str) -> Callable | None:
    """As ``Registry.build`` finds it; None where it is not, or where its package cannot be imported."""
    root = getattr(mmengine.registry if hasattr(mmengine.registry, registry) else mmbdg.registry, registry)
    try:
        with suppress(ImportError):
            import_module(f'{scope}.registry')
        return root.children.get(scope, root).get(kind)
    except Exception:  # of whatever is imported for it: building it will say so
        return None


@cache
def _reads(target: Callable, key: str) -> bool:
    """Whether a class names a key itself: it takes that from the configs of its parts, as DETR's head does with ``bg_cls_weight``."""
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
