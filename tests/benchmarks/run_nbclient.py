"""Fresh nbclient: ``python run_nbclient.py NOTEBOOK…`` executes each with a new ipykernel and writes it back."""

from __future__ import annotations

import sys

import nbformat
from nbclient import NotebookClient


def main() -> None:
    """Run the notebooks that the command line names, one after another."""
    for path in sys.argv[1:]:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        NotebookClient(notebook, kernel_name="python3").execute()
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
