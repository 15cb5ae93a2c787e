"""The runner of attacks: what one attack changes is never there for the next one, and every end is reported."""

import json

from conftest import ROOT, run_tool

TOOL = """
import builtins, os, random, signal, sys, threading, time, warnings
if __name__ == '__main__':
    print(os.getpid(), os.environ.get('X'), hasattr(builtins, 'evil'), 'evil' in sys.modules, os.path.basename(os.getcwd()), flush=True)
    warnings.warn('said each time')
    how = sys.argv[1]
    if how == 'environment':
        os.environ['X'] = 'changed'
    elif how == 'builtins':
        builtins.evil = 1
    elif how == 'module':
        with open('evil.py', 'w') as file:
            file.write('import builtins')
        sys.path.insert(0, os.getcwd())
        import evil
    elif how == 'random':
        random.random()
    elif how == 'file':
        kept = os.open('kept', os.O_CREAT)
    elif how == 'thread':
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    elif how == 'killed':
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == 'leaves':
        os._exit(0)
    elif how == 'succeeds':
        sys.exit()
    elif how == 'raises':
        raise ValueError('not told')
    elif how == 'memory':
        many = bytearray(300 * 2**20)
    elif how == 'full':
        with open('large', 'wb') as file:
            file.write(bytes(1000))
    print('error: refused', 'x' * 10**5, file=sys.stderr)
    sys.exit(2)
"""
CHANGES = ('environment', 'builtins', 'module', 'random', 'file', 'thread', 'succeeds', 'raises', 'killed', 'leaves', 'full')


def test_attacks_do_not_see_each_other(tmp_path):
    (tmp_path / 'tool.py').write_text(TOOL)
    attacks = dict(first=['refused'], second=['refused'], memory=['memory'], after_memory=['refused'])
    for how in CHANGES:
        attacks |= {how: [how], f'after_{how}': ['refused']}
    (tmp_path / 'attacks.json').write_text(json.dumps(attacks))
    run_tool(ROOT / 'tests' / 'attacks.py', tmp_path / 'tool.py', tmp_path / 'attacks.json', tmp_path / 'results.json')
    results = json.loads((tmp_path / 'results.json').read_text())
    assert list(results) == list(attacks)
    processes = {name: result['output'].split()[0] for name, result in results.items()}
    assert len({processes[name] for name in ('first', 'second', 'memory', 'after_memory', 'environment')}) == 1
    for name, result in results.items():
        assert f'{processes[name]} None False False {name}\n' in result['output'] and 'said each time' in result['output'], name
    for how in CHANGES:
        assert processes[how] != processes[f'after_{how}'], how
    codes = dict(succeeds=0, raises=70, killed=-9, leaves=0, full=70)
    assert {name: result['code'] for name, result in results.items()} == {name: codes.get(name, 2) for name in attacks}
    assert 'ValueError: not told' in results['raises']['output'] and 'File too large' in results['full']['output']
    assert len(results['second']['output']) > 10**5
    assert results['memory']['memory'] - results['after_memory']['memory'] > 250
