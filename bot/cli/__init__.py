"""The command line. `main.py` is the door; one module a group of commands."""
