"""しるべ answers questions from a municipality's own documents. The public door: what programs outside may rely on.

    Assistant        open an index, ask and search
    Settings         what can be set, as one frozen value
    load_settings    defaults < rag.toml < RAG_* < arguments
    __version__      of the installed package; "0+unknown" where it is not installed

Each name is fetched when it is first used, so that `import rag` loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.settings import Settings, load_settings

    __version__: str

__all__ = ["Assistant", "Settings", "__version__", "load_settings"]

_HOMES = {"Assistant": "rag.assistant", "Settings": "rag.settings", "load_settings": "rag.settings"}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _read_version()
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__


def _read_version() -> str:
    from importlib import metadata

    try:
        return metadata.version("shirube")
    except metadata.PackageNotFoundError:
        return "0+unknown"
