"""`python -m tinyglot.cli`: the program, for launchers that take a module."""

from tinyglot.cli.app import main

if __name__ == "__main__":
    main()
