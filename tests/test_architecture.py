"""The house keeps its plan: imports run one way, doors stay light, errors stand in their tree, nothing is unnamed."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

import rag
from rag import errors
from rag.settings import Settings

ROOT = Path(__file__).parents[1]
SOURCES = sorted([ROOT / "app.py", *(ROOT / "rag").rglob("*.py"), *(ROOT / "eval").rglob("*.py")])
RANKS = (
    (
        "rag.settings",
        "rag.errors",
        "rag.text",
        "rag.documents",
        "rag.asking",
        "rag.codes",
        "rag.eras",
        "rag.explanation",
        "rag.numerals",
        "rag.variants",
        "rag.wording",
        "rag.words",
    ),
    ("rag.reading",),
    ("rag.indexing",),
    ("rag.retrieval",),
    ("rag.models",),  # the scripts that train and measure the models of this package
    ("rag.answering",),
    ("rag.export",),
    (
        "rag.assistant",
        "rag.accounts",
        "rag.activity",
        "rag.question_registry",
        "rag.answer_json",
        "rag.answer_reading",
        "rag.batch",
        "rag.progress",
        "rag.library",
    ),  # the facade, the forms that eval shares with doors, and what administrators do to documents
    ("eval",),
    (
        "rag",
        "rag.cli",
        "rag.parser",
        "rag.api",
        "rag.web",
        "rag.reports",
        "rag.page_reports",
        "rag.model_reports",
        "rag.search_report",
        "rag.user_commands",
        "rag.__main__",
        "eval.__main__",
        "eval.commands",
        "eval.check",
        "eval.complete",
        "eval.question_arguments",
        "eval.convert",
        "eval.suggest",
        "eval.conversations",
        "eval.gaps",
        "eval.paraphrases",
        "eval.privacy",
        "eval.scope",
        "app",
    ),
)
"""Who may import whom: those in front of them, and one another."""
DOORS = frozenset(RANKS[-1] + ("rag.answer_json", "rag.answer_reading", "rag.batch", "rag.progress"))
ROOMS = ("rag.reading", "rag.indexing", "rag.models", "rag.retrieval", "rag.answering", "chromadb", "tantivy")
"""What is behind the facade."""
DOOR_EXCEPTIONS = {
    ("rag.cli", "rag.indexing.updating"),  # `rag index`, `rag adapt`
    ("rag.cli", "rag.indexing.lock"),  # `rag rollback`
    ("rag.cli", "rag.indexing.snapshot"),  # `rag rollback`
    ("rag.reports", "rag.indexing.adapted_models"),  # the type of what was measured of an adaptation
    ("rag.reports", "rag.indexing.sync"),  # the type of the report
    ("rag.reports", "rag.indexing.adaptation"),  # the same
    ("rag.reports", "rag.indexing.snapshot"),  # `rag status`
    ("rag.reports", "rag.indexing.readability"),  # the same
    ("eval.privacy", "rag.answering.privacy.finding"),  # what is measured
    ("eval.privacy", "rag.answering.privacy.masking"),  # the same
    ("eval.gaps", "rag.indexing.embedding"),  # what the questions are put together with
    ("eval.scope", "rag.answering.scope"),  # the same
    ("rag.model_reports", "rag.indexing.inventory"),  # `rag models`
    ("rag.model_reports", "rag.answering.writing.llm_check"),  # `rag models --check-llm`
    ("rag.model_reports", "rag.retrieval.model_check"),  # `rag models --check`
    ("rag.cli", "rag.reading.metadata"),  # a year as people write it in metadata.csv too
    ("rag.batch", "rag.reading.encoding"),  # CSV files come in every Japanese encoding
    ("rag.web.logs", "rag.answering.privacy.masking"),  # nothing personal in a log
    ("rag.web.page_images", "rag.reading.pdf"),  # draws pages under the lock of PDFium
}
HEAVY = (
    "torch", "sentence_transformers", "gradio", "llama_index", "chromadb", "numpy", "tantivy", "sudachipy", "pypdfium2",
)  # fmt: skip
WRITTEN = [
    *SOURCES,
    *(
        ROOT / name
        for name in ("README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "constraints.txt", ".ci/run")
    ),
    *(path for folder in ("rag", "eval", "tests", "docs") for path in (ROOT / folder).rglob("*")),
]
_TEXT = {".py", ".md", ".toml", ".txt", ".css", ".js", ".psv", ".html", ".csv", ".json", ""}
_MACHINE_PATH = re.compile(r"(?<![\w.\-])/(?:root|home|work|Users)/")


@dataclass(frozen=True)
class Import:
    """One module imported by another, and where."""

    place: str
    importer: str
    imported: str


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path) for path in SOURCES}


def find_imports(path: Path) -> Iterator[Import]:
    """Yield every import of a file, also those inside functions and for type checking only."""
    importer = module_name(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for name in _names(node, importer, is_package=path.name == "__init__.py"):
            yield Import(f"{path.relative_to(ROOT).as_posix()}:{node.lineno}", importer, name)  # type: ignore[attr-defined]


def _names(node: ast.AST, importer: str, *, is_package: bool) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        parts = importer.split(".")
        above = parts[: len(parts) - node.level + is_package]
        base = ".".join([*above, *filter(None, [node.module])])
    return [full if (full := f"{base}.{alias.name}") in MODULES else base for alias in node.names]


def rank(module: str) -> int | None:
    """Return how far along the data's way a module of ours stands; None for the modules of others."""
    found = [(len(name), place) for place, names in enumerate(RANKS) for name in names if _is_within(module, name)]
    return max(found)[1] if found else None


def _is_within(module: str, name: str) -> bool:
    return module == name or (name != "rag" and module.startswith(name + "."))


ALL_IMPORTS = [found for path in SOURCES for found in find_imports(path)]


def test_every_module_has_its_place_in_the_order() -> None:
    assert [module for module in sorted(MODULES) if rank(module) is None] == []


def test_imports_run_one_way() -> None:
    wrong = []
    for found in ALL_IMPORTS:
        importer, imported = rank(found.importer), rank(found.imported)
        if importer is not None and imported is not None and imported > importer:
            wrong.append(f"{found.place}: {found.importer} must not import {found.imported}")

    assert wrong == []
    assert len(ALL_IMPORTS) > 200, "the imports were not found"


def test_doors_know_the_assistant_and_none_of_the_rooms_behind_it() -> None:
    through = {
        (found.importer, found.imported): found.place
        for found in ALL_IMPORTS
        if any(_is_within(found.importer, door) for door in DOORS)
        and any(_is_within(found.imported, room) for room in ROOMS)
    }

    assert {pair: place for pair, place in through.items() if pair not in DOOR_EXCEPTIONS} == {}
    assert DOOR_EXCEPTIONS - set(through) == set(), "an exception that nobody needs any more"


def test_models_import_only_what_cuts_and_keeps_words_and_the_nouns() -> None:
    allowed = {"rag.indexing.embedding", "rag.indexing.pieces", "rag.indexing.word_vectors"}
    allowed |= {"rag.retrieval.query", "rag.retrieval.reader_input"}
    ours = {
        f.imported: f.place for f in ALL_IMPORTS if f.importer.startswith("rag.models") and rank(f.imported) is not None
    }
    ours = {module: place for module, place in ours.items() if not module.startswith("rag.models.")}

    assert {m: p for m, p in ours.items() if m not in allowed and rank(m) != 0} == {}


def run_python(code: str, folder: Path) -> list[str]:
    """Run code in a fresh process and return the heavy modules that it left loaded."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert "sys" in loaded
    return [name for name in HEAVY if name in loaded]


@pytest.mark.parametrize(
    "code",
    [
        "import rag",
        "import rag.settings",
        "import rag; rag.Settings, rag.load_settings, rag.__version__",
        "from rag.cli import build_parser; print(build_parser().format_help())",
        "import rag.cli\ntry:\n    rag.cli.main(['--help'])\nexcept SystemExit:\n    pass",
    ],
    ids=["rag", "settings", "door", "parser", "help"],
)
def test_saying_hello_loads_nothing_heavy(code: str, tmp_path: Path) -> None:
    assert run_python(code, tmp_path) == []


def test_answering_with_the_default_embedder_loads_no_torch(small_town: Settings, tmp_path: Path) -> None:
    arguments = ["ask", "宿泊料は一夜につきいくらですか", "--index", str(small_town.index)]

    loaded = run_python(f"from rag.cli import main\nassert main({arguments!r}) == 0", tmp_path)

    assert not {"torch", "sentence_transformers", "gradio"} & set(loaded), loaded
    assert {"numpy", "tantivy"} <= set(loaded), "it did not really answer"


# --- the public door --------------------------------------------------------------------------------------------------


def test_the_public_door_is_exactly_this() -> None:
    from rag.assistant import Assistant
    from rag.settings import load_settings

    assert rag.__all__ == ["Assistant", "Settings", "__version__", "load_settings"]
    assert dir(rag) == rag.__all__
    assert (rag.Assistant, rag.Settings, rag.load_settings) == (Assistant, Settings, load_settings)
    with pytest.raises(AttributeError, match="Retriever"):
        rag.Retriever  # noqa: B018


def test_the_version_is_that_of_the_installed_package_and_unknown_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", {"shirube": "1.2.3"}.__getitem__)
    installed = rag.__version__
    monkeypatch.setattr(metadata, "version", not_installed)

    assert (installed, rag.__version__) == ("1.2.3", "0+unknown")


# --- errors -----------------------------------------------------------------------------------------------------------


def drawn_tree(module: ModuleType) -> dict[str, str]:
    """Return class -> parent as the docstring draws them."""
    parents, above = {}, []
    for line in inspect.getdoc(module).splitlines():  # type: ignore[union-attr]
        if match := re.match(r"^(    [│ ├└─]*)(\w*Error_?)\b", line):
            depth, name = len(match[1]) // 4, match[2]
            above[depth - 1 :] = [name]
            parents[name] = above[-2] if len(above) > 1 else "Exception"
    return parents


def error_classes() -> list[type[errors.RagError]]:
    return [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, errors.RagError)]


def test_the_tree_of_errors_is_the_one_that_is_drawn() -> None:
    assert drawn_tree(errors) == {kind.__name__: kind.__base__.__name__ for kind in error_classes()}  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_to_do_next(kind: type[errors.RagError]) -> None:
    more = {"code": "encrypted"} if kind is errors.ReadingError else {}

    error = kind("何が起きたか", "どうするか", **more)

    assert (str(error), error.hint) == ("何が起きたか\n対処: どうするか", "どうするか")
    with pytest.raises(TypeError, match="hint"):
        kind("何が起きたか", **more)  # type: ignore[call-arg]


# --- manners ----------------------------------------------------------------------------------------------------------


def public_definitions(path: Path) -> Iterator[tuple[str, str | None]]:
    """Yield (place, docstring) of a module and of its public classes and functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    place = path.relative_to(ROOT).as_posix()
    yield place, ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield f"{place}:{node.lineno} {node.name}", ast.get_docstring(node)


def test_every_public_module_class_and_function_says_what_it_is_for() -> None:
    ours = [
        definition for path in SOURCES for definition in public_definitions(path) if path.is_relative_to(ROOT / "rag")
    ]

    assert [place for place, docstring in ours if not docstring] == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    texts = [path for path in WRITTEN if path.is_file() and path.suffix in _TEXT and path.name != "tokenizer.json"]
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{number}: {line.strip()[:80]}"
        for path in texts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if _MACHINE_PATH.search(line)
    ]

    assert sorted(set(found)) == []


def swallows_everything(node: ast.AST) -> bool:
    """Tell whether a node is `except Exception: pass`, or `suppress(Exception)`."""
    if isinstance(node, ast.ExceptHandler):
        does_nothing = all(isinstance(s, ast.Pass) or ast.unparse(s) == "..." for s in node.body)
        return does_nothing and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    return isinstance(node, ast.Call) and bool(re.search(r"suppress\((Base)?Exception\)", ast.unparse(node)))


def test_no_error_is_swallowed_unseen() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"  # type: ignore[attr-defined]
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if swallows_everything(node)
    ]

    assert found == []
