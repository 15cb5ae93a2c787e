"""Numeric command line arguments of every tool have bounds, and ``--cfg-options`` reads values as typed."""

import argparse

import pytest
from conftest import ROOT

from mmbdg.arguments import (
    Bounded,
    ConfigOptions,
    Parser,
    Split,
    fraction,
    natural_int,
    positive_float,
    positive_int,
)
from mmbdg.errors import InputError
from mmbdg.tool_parsers import parser_of

TOOLS = sorted(path for path in (ROOT / 'tools').rglob('*.py') if '\ndef main()' in path.read_text())


def actions_of(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield from actions_of(verb)
        else:
            yield parser, action


@pytest.mark.parametrize('path', TOOLS, ids=lambda path: path.relative_to(ROOT / 'tools').as_posix())
def test_every_number_has_bounds(path):
    parser = parser_of(path)
    assert isinstance(parser, Parser)
    for verb, action in actions_of(parser):
        assert isinstance(verb, Parser)
        numbers = action.default if isinstance(action.default, list) else [action.default]
        if any(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
            assert isinstance(action.type, Bounded), action.option_strings
        assert action.type not in (int, float), action.option_strings
        if isinstance(action.type, Bounded):
            assert action.type.least is not None and action.type.least >= 0, action.option_strings
            with pytest.raises(argparse.ArgumentTypeError, match='must be (at least|above)'):
                action.type('-1')
        if any('options' in option for option in action.option_strings):
            assert isinstance(action, ConfigOptions), action.option_strings


@pytest.mark.parametrize(
    ('bounds', 'text', 'told'),
    [
        (positive_int, '0', 'must be at least 1, got 0'),
        (positive_int, '-3', 'must be at least 1, got -3'),
        (positive_int, '1.5', "must be a whole number, got '1.5'"),
        (positive_int, '', "must be a whole number, got ''"),
        (natural_int, '-1', 'must be at least 0, got -1'),
        (positive_float, '0', 'must be above 0, got 0'),
        (positive_float, 'nan', "must be a number, got 'nan'"),
        (positive_float, 'inf', 'must be above 0, got inf'),
        (fraction, '1.01', 'must be at least 0 and at most 1, got 1.01'),
        (Bounded(int, 0, 9, below=True), '9', 'must be at least 0 and below 9, got 9'),
    ],
)
def test_bounds(bounds, text, told):
    parser = Parser(prog='tool.py')
    parser.add_argument('--num', type=bounds)
    with pytest.raises(InputError) as error:
        parser.parse_args([f'--num={text}'])
    assert str(error.value) == f'--num {told} (tool.py --help lists the options)'


def test_numbers_within_bounds():
    assert positive_int('7') == 7 and natural_int('0') == 0 and fraction('1') == 1.0 and positive_float('1e-9') == 1e-9


def test_unknown_options_are_told_in_one_line():
    with pytest.raises(InputError, match=r'^unrecognized arguments: --nmu 3 \('):
        Parser().parse_args(['--nmu', '3'])


def options(*texts: str) -> dict:
    parser = Parser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return parser.parse_args(['--cfg-options', *texts]).cfg_options


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('3', 3),
        ('-1', -1),
        ('1e-3', 1e-3),
        ('True', True),
        ('false', False),
        ('None', None),
        ('', ''),
        ('a=b', 'a=b'),
        ('/my data/x, y', ['/my data/x', 'y']),
        ('/my data/x', '/my data/x'),
        ('1,2,3', [1, 2, 3]),
        ('[a, b, c]', ['a', 'b', 'c']),
        ('[(1, 2, 3), [a, b], c]', [(1, 2, 3), ['a', 'b'], 'c']),
        ('(8,)', (8,)),
        ('[]', []),
        ('"1,2"', '1,2'),
        ("'a b'", 'a b'),
        ("['a,b','c']", ['a,b', 'c']),
        ("it's", "it's"),
    ],
)
def test_values(text, value):
    (found,) = options(f'key={text}').values()
    assert found == value and type(found) in (type(value), Split)


def test_values_as_mmengine_reads_them():
    from mmengine.config import DictAction

    for text in ('3', '0.5', 'True', 'None', 'x', '1,2,3', 'a,b', '[a,b]', '(1,2)', '[(1,2),(3,4)]', 'a.b', '1e5'):
        assert options(f'k={text}')['k'] == DictAction._parse_iterable(text), text


@pytest.mark.parametrize('text', ['key', '=3', 'a..b=3', 'key=[1,2', 'key=1]', 'key=(1]', 'key=[(1,2]', "key=['a]"])
def test_what_is_no_option(text):
    with pytest.raises(InputError, match='^--cfg-options'):
        options(text)
