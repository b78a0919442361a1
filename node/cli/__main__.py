"""`python -m node.cli`."""

from node.cli.main import main

main()
