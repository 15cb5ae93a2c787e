"""``python -m mmbdg``: the program ``mmbdg``."""

from mmbdg_cli.program import main

if __name__ == '__main__':
    main()
