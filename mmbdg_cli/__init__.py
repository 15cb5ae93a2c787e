"""The program ``mmbdg``. It is a package of its own because ``import mmbdg`` imports torch, and ``mmbdg --help`` must not wait for that."""
