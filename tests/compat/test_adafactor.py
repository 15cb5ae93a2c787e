import inspect

import mmengine
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from mmbdg.compat.adafactor import adafactor, install_late_adafactor
from mmbdg.compat.config_keys import unknown_keys

LAYER = torch.nn.Linear(2, 3)


def wrapper(**options) -> dict:
    return dict(type='OptimWrapper', optimizer=dict(type='Adafactor', **options))


def test_a_config_builds_transformers_own():
    import transformers

    optimizer = build_optim_wrapper(LAYER, wrapper(lr=0.5, relative_step=False)).optimizer
    assert type(optimizer) is transformers.Adafactor
    (group,) = optimizer.param_groups
    usual = transformers.Adafactor(LAYER.parameters(), lr=0.5, relative_step=False).param_groups[0]
    assert {**group, 'params': 0} == {**usual, 'params': 0} and group['params'] == list(LAYER.parameters())
    defaults = {name: p.default for name, p in inspect.signature(transformers.Adafactor).parameters.items()}
    assert {name: p.default for name, p in inspect.signature(adafactor).parameters.items()} == defaults


def test_a_wrong_key_is_found():
    problems = list(unknown_keys(Config(dict(optim_wrapper=wrapper(lrr=1))), ['optim_wrapper']))
    assert len(problems) == 1 and 'takes no "lrr"; did you mean "lr"?' in problems[0]


def test_what_is_registered_already_stays():
    before = mmengine.registry.OPTIMIZERS.get('Adafactor')
    install_late_adafactor()
    assert mmengine.registry.OPTIMIZERS.get('Adafactor') is before is adafactor
