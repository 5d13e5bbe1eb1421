"""Serve the page: `python app.py`, with the settings of rag.toml and RAG_*."""

from __future__ import annotations

import sys

from rag.errors import RagError
from rag.settings import load_settings
from rag.web.server import serve

if __name__ == "__main__":
    try:
        serve(load_settings())
    except RagError as error:
        sys.exit(str(error))
