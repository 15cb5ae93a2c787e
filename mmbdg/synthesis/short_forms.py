"""Short forms of ``synthesis``: direct keys for the labelled generator and for the three filters of the paper.

They were the only form in versions up to 0.5.0. ``labelled_generator='fashion32'`` stands for
``source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator='fashion32')``, ``rejection_rate=0.9`` for the key
``rate`` of the filter ``mmbdg.RejectionSampling``. If ``source`` or ``filters`` are given too, a short form sets the key of
the existing part. ``--cfg-options synthesis.uncertainty_rate=0.2`` therefore works for every config.
"""

from collections.abc import Mapping
from typing import Any

from mmbdg.errors import InputError
from mmbdg.synthesis.filters.build import build_filters

SOURCE = 'mmbdg.LabelledGeneratorSource'
SOURCE_KEYS = ('labelled_generator', 'truncation', 'ignore_above', 'precision', 'compile')
REJECTION, UNCERTAINTY, FOREGROUND = 'mmbdg.RejectionSampling', 'mmbdg.UncertaintyFilter', 'mmbdg.ForegroundFilter'
FILTER_KEYS = {
    'classifier': (REJECTION, 'classifier'),
    'classifier_size': (REJECTION, 'size'),
    'rejection_rate': (REJECTION, 'rate'),
    'class_map': (REJECTION, 'class_map'),
    'min_confidence': (REJECTION, 'min_confidence'),
    'uncertainty_rate': (UNCERTAINTY, 'rate'),
    'min_foreground': (FOREGROUND, 'min'),
    'max_foreground': (FOREGROUND, 'max'),
}
"""Filter type and key of each short form."""
ORDER = (REJECTION, UNCERTAINTY, FOREGROUND)
"""Order of the filters in the paper. A filter that is added by a short form is inserted in this order."""
SHORT_FORMS = (*SOURCE_KEYS, *FILTER_KEYS)


def without_short_forms(config: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the short forms of a config by ``source`` and ``filters``.

    With ``labelled_generator`` and without ``filters``, the uncertainty filter with its default rate is added.

    Args:
        config: Value of ``synthesis`` in a config.

    Raises:
        InputError: There is no source or filter to which a short form can belong.
    """
    short = {key: config[key] for key in SHORT_FORMS if key in config}
    plain = {key: value for key, value in config.items() if key not in short}
    if source := {key: value for key, value in short.items() if key in SOURCE_KEYS}:
        plain['source'] = _source(plain.get('source'), source)
    filters = [dict(entry) if isinstance(entry, Mapping) else entry for entry in plain.get('filters') or ()]
    if 'filters' not in plain and 'labelled_generator' in short:
        filters = [dict(type=UNCERTAINTY)]
    for key in FILTER_KEYS:
        if key in short:
            _set(filters, key, short[key])
    return plain | dict(filters=_without_classifier(filters, config))


def _source(source: Any, short: Mapping[str, Any]) -> Any:
    if source is None:
        if 'labelled_generator' not in short:
            raise InputError(f'synthesis.{next(iter(short))} belongs to a labelled generator: synthesis.labelled_generator is missing')
        return dict(type=SOURCE, **short)
    if not isinstance(source, Mapping) or source.get('type') != SOURCE:
        raise InputError(f'synthesis.{next(iter(short))} belongs to {SOURCE}, but synthesis.source is {source!r:.200}: remove one of them')
    return {**source, **short}


def _set(filters: list[Any], key: str, value: Any) -> None:
    """Set the filter key of a short form. If there is no such filter, insert it in the order of the paper."""
    kind, name = FILTER_KEYS[key]
    of_kind = [entry for entry in filters if isinstance(entry, dict) and entry.get('type') == kind]
    if len(of_kind) > 1:
        raise InputError(f'synthesis.{key} is ambiguous: synthesis.filters has {len(of_kind)} filters {kind}; set {name} there')
    if of_kind:
        of_kind[0][name] = value
        return
    later = ORDER[ORDER.index(kind) + 1 :]
    place = next((i for i, entry in enumerate(filters) if isinstance(entry, dict) and entry.get('type') in later), len(filters))
    filters.insert(0 if kind == REJECTION else place, {'type': kind, name: value})


def _without_classifier(filters: list[Any], config: Mapping[str, Any]) -> list[Any]:
    """Remove a rejection sampling without classifier if only short forms name it. Its other values have no effect then.

    ``classifier=None`` also removes a rejection sampling that ``filters`` lists.
    """
    named = any(isinstance(entry, Mapping) and entry.get('type') == REJECTION for entry in config.get('filters') or ())
    switched_off = 'classifier' in config and not config['classifier']
    kept = []
    for entry in filters:
        if isinstance(entry, dict) and entry.get('type') == REJECTION and not entry.get('classifier') and (switched_off or not named):
            if entry.get('min_confidence'):
                raise InputError('synthesis.min_confidence needs synthesis.classifier: set it, or remove min_confidence')
            build_filters([{**entry, 'classifier': {}}])  # wrong values are an error even if the filter is removed
            continue
        kept.append(entry)
    return kept
