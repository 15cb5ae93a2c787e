"""Commands in messages have the form in which the running tool was started: ``mmbdg VERB`` instead of ``python tools/VERB.py``."""

import re

from mmbdg_cli.run import started_as

SCRIPT = re.compile(r'(?P<torchrun>\btorchrun\b[^\n]*? )?(?P<python>\bpython )?\btools/(?P<verb>\w+(?:/\w+)*)\.py\b')


def called() -> str | None:
    """``mmbdg VERB`` or ``python -m mmbdg.VERB`` if the tool was started in this way; None if it was started as a script."""
    return started_as.words or None


def as_called(text: str) -> str:
    """Text with the commands of tools in the form in which this one was started.

    Args:
        text: Text with commands such as ``python tools/verify.py DATASET``, or with names of tools such as ``tools/verify.py``.

    Returns:
        The same text if the tool was started as a script. Otherwise ``mmbdg verify DATASET`` or ``python -m mmbdg.verify DATASET``;
        ``torchrun tools/train.py`` becomes ``torchrun -m mmbdg.train``, because torchrun starts modules.
    """
    start = called()
    if start is None:
        return text

    def replaced(found: re.Match) -> str:
        module = f'mmbdg.{found["verb"].replace("/", ".")}'
        if found['torchrun']:
            return f'{found["torchrun"]}-m {module}'
        return f'python -m {module}' if start.startswith('python') else f'mmbdg {found["verb"]}'

    return SCRIPT.sub(replaced, text)
