"""``python -m foveal`` is the command."""

from foveal.cli.main import main

main()
