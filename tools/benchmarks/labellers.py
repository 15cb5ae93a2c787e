"""Labellers of the sub-command ``interpreter``: their configs and their labelled passes."""

from collections.abc import Sequence

from mmengine.config import Config
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.generators import ClassConditionalGenerator
from mmbdg.interpreter import Consensus, Ensemble, FeatureInterpreter, InterpreterEnsemble
from mmbdg.registry import MODELS

PUBLISHED = dict(type='mmbdg.InterpreterEnsemble', num_members=16, member=dict(type='mmbdg.FeatureInterpreter'))
AT_ONCE = 4

ONE, LIGHT, PUBLISHED_ORDER, MLP = 'one head', 'one light head', 'one head in the published order', 'one per-pixel MLP'
SHARED = {'output': 'shared trunk, own outputs', 'mix': 'shared trunk, own last mix blocks'}


def ensemble_config(cfg: Config) -> dict:
    """Config of the interpreter of a config, ``model = dict(interpreter=dict(...))``; the published interpreter if it has none.

    The weights are left out: neither the speed nor the memory depends on them.

    Raises:
        InputError: The interpreter is not an ensemble of heads.
    """
    model = cfg.to_dict().get('model')
    config = model.get('interpreter', PUBLISHED) if isinstance(model, dict) else PUBLISHED
    if not isinstance(config, dict) or not isinstance(config.get('member'), dict):
        raise InputError(f'the interpreter of {cfg.filename} is no ensemble: interpreter=dict(member=dict(...)) is missing')
    member = {key: value for key, value in config['member'].items() if key != 'init_cfg'}
    return dict(member=member, num_members=config.get('num_members', PUBLISHED['num_members']))


def ensemble_name(members: int) -> str:
    return f'ensemble of {members}'


def batched_name(members: int) -> str:
    return f'{ensemble_name(members)}, {min(AT_ONCE, members)} at once'


def lighter(head: FeatureInterpreter) -> dict:
    """Options of a head with half the widths and its finest group at half the resolution."""
    return dict(widths=[max(1, reduce.out_channels // 2) for reduce in head.reduce], stride=2)


def labeller_configs(head: dict, members: int, compare: Sequence[str], light: dict) -> dict[str, dict]:
    """Configs of the labellers needed by the comparisons, by name. All are ensembles; a single head is an ensemble of one member.

    Args:
        head: Config of one head.
        members: Number of members of an ensemble.
        compare: Names of the comparisons.
        light: Options of the light head that differ from those of ``head``.
    """

    def ensemble(member: dict, num_members: int = 1, **options: int) -> dict:
        return dict(type='mmbdg.InterpreterEnsemble', member=member, num_members=num_members, **options)

    configs = {ONE: ensemble(head)}
    if 'published-order' in compare:
        configs[PUBLISHED_ORDER] = ensemble({**head, 'type': 'mmbdg.PublishedOrderInterpreter'})
    if 'mlp' in compare:
        common = {key: head[key] for key in ('feature_info', 'num_outputs', 'resolution') if key in head}
        configs[MLP] = ensemble(dict(type='mmbdg.PixelMLP', **common))
    if 'ensemble' in compare or 'shared-trunk' in compare:
        configs[ensemble_name(members)] = ensemble(head, members)
    if 'ensemble' in compare:
        configs[batched_name(members)] = ensemble(head, members, members_at_once=min(AT_ONCE, members))
    if 'shared-trunk' in compare:
        shared = dict(type='mmbdg.SharedTrunkEnsemble', member=head, num_members=members)
        configs |= {name: dict(shared, own=own) for own, name in SHARED.items()}
    if 'light' in compare:
        configs[LIGHT] = ensemble({**head, **light})
    return configs


def build_labeller(name: str, config: dict, generator: ClassConditionalGenerator) -> Ensemble:
    """Build a labeller with random weights for the features of a generator.

    Raises:
        InputError: The options are unknown or do not fit the generator.
    """
    try:
        return MODELS.build({**generator.interpreter_sizes(), **config})
    except (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError, AttributeError) as error:  # the type depends on the option
        raise InputError(f'{name} cannot be built: {error}') from error


def labelled(generator: ClassConditionalGenerator, labeller: Ensemble, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Labelled pass as in a synthesis: z (N,latent_dim), y int64 (N,) -> images (N,3,R,R), labels and disagreement (N,R,R)."""
    images, features = generator.forward_features(z, y)
    consensus = Consensus.of(labeller.each(features, generator.embed(y)))
    return images, consensus.labels(), consensus.disagreement()


def all_members(ensemble: Ensemble, features: Sequence[Tensor], embedding: Tensor) -> None:
    """Compute the logits of all members by ``Ensemble.each`` and drop them one after the other."""
    for _ in ensemble.each(features, embedding):
        pass


def each_head(ensemble: InterpreterEnsemble, features: Sequence[Tensor], embedding: Tensor) -> None:
    """Compute the logits of all members by separate calls of each head."""
    for head in ensemble.members:
        head(features, embedding)
