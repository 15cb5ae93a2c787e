"""The program ``mmbdg`` and ``python -m mmbdg.VERB`` have every tool, and do the same as ``python tools/VERB.py``."""

import argparse
import ast
import importlib.util
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from mmbdg.calling import as_called
from mmbdg.completion import completion_script, program_parser
from mmbdg.errors import InputError
from mmbdg.tool_parsers import parser_of
from mmbdg.version import __version__
from mmbdg_cli import places
from mmbdg_cli.places import verbs
from mmbdg_cli.program import SHELLS, main, table
from mmbdg_cli.run import started_as

TOOLS = sorted(path for path in (ROOT / 'tools').rglob('*.py') if '\ndef main()' in path.read_text())
VERBS = [path.relative_to(ROOT / 'tools').with_suffix('').as_posix() for path in TOOLS]


@pytest.fixture(autouse=True)
def _as_before(monkeypatch) -> None:
    """Undo what a run tool changes in this process."""
    monkeypatch.setattr(started_as, 'words', '')
    monkeypatch.setattr(sys, 'argv', ['pytest'])
    monkeypatch.setattr(sys, 'path', [*sys.path])


def test_every_tool_has_its_verb():
    assert list(verbs()) == VERBS and [str(path.resolve()) for path in verbs().values()] == [str(path) for path in TOOLS]
    assert sorted(line.split()[0] for line in table()) == sorted(VERBS)
    assert all(len(line.split()) > 3 for line in table())  # the first line of the docstring


@pytest.mark.parametrize('verb', VERBS)
def test_every_tool_is_a_module(verb):
    """``python -m`` finds the module, or ``__main__`` in the package of its name, and none of them is hidden by a file of the package."""
    spec = importlib.util.find_spec(module := f'mmbdg.{verb.replace("/", ".")}')
    if spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f'{module}.__main__')
    assert f"run_tool('{verb}', 'python -m {module}', sys.argv[1:])" in spec.loader.get_source(spec.name)
    assert spec.loader.get_code(spec.name)


def test_a_module_of_a_tool_does_nothing_when_imported():
    import mmbdg.verify

    assert not hasattr(mmbdg.verify, 'main')
    assert importlib.util.find_spec('mmbdg.nothing') is None


@pytest.fixture
def new_tool(tmp_path, monkeypatch) -> Iterator[Path]:
    """A tool that is added, with a module beside it."""
    (tmp_path / 'group').mkdir()
    (tmp_path / 'beside.py').write_text("WORD = 'beside'\n")
    (tmp_path / 'new.py').write_text(
        '"""New.\n\n    python tools/new.py --fail\n"""\n'
        'import sys\nfrom beside import WORD\nfrom mmbdg.arguments import Parser\nfrom mmbdg.errors import InputError, plain_errors\n\n\n'
        'def main():\n    parser = Parser(__doc__)\n    parser.add_argument("--fail", action="store_true")\n'
        '    if parser.parse_args().fail:\n        raise InputError("wrong: python tools/group/other.py repairs it")\n'
        '    print(WORD, __name__, sys.modules["__main__"].WORD)\n\n\n'
        "if __name__ == '__main__':\n    with plain_errors():\n        main()\n"
    )
    (tmp_path / 'group' / 'other.py').write_text('"""Other."""\n\nif __name__ == \'__main__\':\n    print(\'other\')\n')
    monkeypatch.setattr(places, 'TOOLS', tmp_path)
    verbs.cache_clear()
    yield tmp_path
    verbs.cache_clear()


def test_a_new_tool_is_there_at_once(new_tool, capsys):
    assert list(verbs()) == ['group/other', 'new']
    main(['new'])
    assert capsys.readouterr().out == 'beside __main__ beside\n'
    main(['group/other'])
    assert capsys.readouterr().out == 'other\n'
    assert importlib.util.find_spec('mmbdg.group.other') and importlib.util.find_spec('mmbdg.new')


@pytest.mark.parametrize(
    ('start', 'prog', 'repair'),
    [
        ('script', 'new.py', 'python tools/group/other.py'),
        ('program', 'mmbdg new', 'mmbdg group/other'),
        ('module', 'python -m mmbdg.new', 'python -m mmbdg.group.other'),
    ],
)
def test_messages_and_exit_codes_of_the_three_starts(start, prog, repair, new_tool, capsys, monkeypatch):
    def run(*options: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as caught:
            if start == 'program':
                main(['new', *options])
            elif start == 'module':
                monkeypatch.setattr(sys, 'argv', ['x', *options])
                runpy.run_module('mmbdg.new', run_name='__main__')
            else:
                monkeypatch.setattr(sys, 'path', [str(new_tool), *sys.path])
                monkeypatch.setattr(sys, 'argv', ['new.py', *options])
                runpy.run_path(str(new_tool / 'new.py'), run_name='__main__')
        return caught.value.code, ''.join(capsys.readouterr())

    assert run('--fail') == (2, f'\nerror: wrong: {repair} repairs it\n')
    assert run('--nothing') == (2, f'\nerror: unrecognized arguments: --nothing ({prog} --help lists the options)\n')
    code, text = run('--help')
    own = prog if start != 'script' else 'python tools/new.py'
    assert code == 0 and text.startswith(f'usage: {prog} [-h]') and f'    {own} --fail\n' in text


@pytest.mark.parametrize(
    ('text', 'program', 'module'),
    [
        ('python tools/train.py C', 'mmbdg train C', 'python -m mmbdg.train C'),
        ('torchrun --nproc_per_node=8 tools/train.py C', *['torchrun --nproc_per_node=8 -m mmbdg.train C'] * 2),
        ('srun -n 3 python tools/synthesize.py', 'srun -n 3 mmbdg synthesize', 'srun -n 3 python -m mmbdg.synthesize'),
        ('(tools/dataset_converters/voc.py)', '(mmbdg dataset_converters/voc)', '(python -m mmbdg.dataset_converters.voc)'),
        ('torchrun tools/a.py\npython tools/b.py', 'torchrun -m mmbdg.a\nmmbdg b', 'torchrun -m mmbdg.a\npython -m mmbdg.b'),
        ('tools/dist_train.sh C 8; my_tools/train.py', *['tools/dist_train.sh C 8; my_tools/train.py'] * 2),
    ],
)
def test_commands_as_called(text, program, module, monkeypatch):
    assert as_called(text) == text
    monkeypatch.setattr(started_as, 'words', 'mmbdg verify')
    assert as_called(text) == program
    monkeypatch.setattr(started_as, 'words', 'python -m mmbdg.verify')
    assert as_called(text) == module


def test_the_program_is_fast():
    """Lists and refusals import neither torch nor the package."""
    code = (
        'import sys\nfrom mmbdg_cli.program import main\n'
        "for words in ([], ['--version'], ['configs', 'unet', '32px']):\n    main(words)\n"
        "try:\n    main(['trian'])\nexcept SystemExit as end:\n    print(end.code)\n"
        "print([name for name in ('torch', 'numpy', 'mmengine', 'mmbdg') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    lines = result.stdout.splitlines()
    assert lines[0] == 'usage: mmbdg VERB [options]' and f'mmbdg {__version__}' in lines and 'transfer/fashion/unet_32px' in lines
    assert lines[-2:] == ['2', '[]']
    assert result.stderr == '\nerror: there is no verb "trian"; did you mean train? (mmbdg --help lists the verbs)\n'


def test_configs_are_listed(capsys):
    main(['configs', 'fashion', 'unet_32px'])
    assert capsys.readouterr().out.split()[0] == 'transfer/fashion/unet_32px'
    main(['configs', '--folder'])
    assert Path(capsys.readouterr().out.strip()).samefile(ROOT / 'configs')
    for words in (['configs', 'qqq'], ['configs', '--folder', 'x'], ['configs', '--all'], ['completion'], ['completion', 'cmd']):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2 and capsys.readouterr().err.startswith('\nerror: ')


@pytest.fixture(scope='module')
def scripts() -> dict[str, str]:
    """Completion scripts by shell."""
    return {shell: completion_script(shell) for shell in SHELLS}


def options_in(path: Path) -> set[str]:
    """Options in the ``add_argument`` calls of a file."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    calls = (call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == 'add_argument')
    texts = {word.value for call in calls for word in call.args if isinstance(word, ast.Constant)}
    return {text for text in texts if text.startswith('--')}


@pytest.mark.parametrize(('verb', 'path'), zip(VERBS, TOOLS, strict=True), ids=VERBS)
def test_completion_knows_every_verb_and_option(verb, path, scripts):
    in_file = options_in(path)
    own = re.findall(rf'^_shtab_mmbdg_{verb.replace("/", "_")}(?:_[a-z]+)?_option_strings=\((.*)\)$', scripts['bash'], re.M)
    assert {'--help', *in_file} <= {word.strip("'") for line in own for word in line.split()}
    for shell, script in scripts.items():
        assert verb in script, shell
        missing = [word for word in in_file if (f'-l {word[2:]}' if shell == 'fish' else word) not in script]
        assert not missing, (shell, missing)


@pytest.mark.parametrize(
    ('words', 'found'),
    [
        ('mmbdg synth', ['synthesize']),
        ('mmbdg dataset_converters/v', ['dataset_converters/voc']),
        ('mmbdg train --wo', ['--work-dir']),
        ('mmbdg train densecl_biggan_fpn_on', ['densecl_biggan_fpn_online', 'densecl_biggan_fpn_online_in1k']),
        ('mmbdg annotate sample --format l', ['labelme']),
        ('mmbdg completion z', ['zsh']),
    ],
)
def test_completion_in_bash(words, found, scripts, tmp_path):
    (tmp_path / 'mmbdg').write_text(f'#!/bin/sh\nexec {sys.executable} -m mmbdg_cli.program "$@"\n')
    (tmp_path / 'mmbdg').chmod(0o755)
    (tmp_path / 'script').write_text(scripts['bash'])
    code = (
        f'PATH={tmp_path}:$PATH PYTHONPATH={ROOT}; export PYTHONPATH; cd {tmp_path}; source script\n'
        f'COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _shtab_mmbdg; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    result = subprocess.run(['bash', '--norc', '-c', code], capture_output=True, text=True)
    assert result.stdout.split() == found, result.stderr


def test_completion_without_shtab(monkeypatch):
    monkeypatch.setitem(sys.modules, 'shtab', None)
    with pytest.raises(InputError, match=r'pip install "mmbdg\[completion\]"'):
        completion_script('bash')


def test_a_tool_that_lacks_a_package_is_completed_without_options(new_tool, capsys):
    (new_tool / 'new.py').write_text("import no_such_package\n\n\nif __name__ == '__main__':\n    pass\n")
    (new_tool / 'group' / 'other.py').unlink()
    parser = program_parser()
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    assert set(commands.choices) == {'new', 'configs', 'completion'}
    assert "mmbdg new is completed without its options: No module named 'no_such_package'" in capsys.readouterr().err


def test_a_tool_without_a_command_line(tmp_path):
    (tmp_path / 'none.py').write_text('def main():\n    pass\n')
    with pytest.raises(RuntimeError, match='parses no arguments'):
        parser_of(tmp_path / 'none.py')
