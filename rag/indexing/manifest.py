"""The manifest of a snapshot: what it was built from and with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from rag.errors import IndexMismatchError

FORMAT_VERSION = 5
MANIFEST_FILE = "manifest.json"
REBUILD_HINT = "`rag index --full` を実行して、索引を作り直してください。"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that, when it changes, makes an index be rebuilt: from scratch, or its vectors only."""

    embedder_name: str
    embedder_fingerprint: str
    dimension: int
    tokenizer_version: str
    chunker_version: str
    reader_version: str
    dictionary_version: str = ""
    format_version: int = FORMAT_VERSION

    def has_same_chunks(self, other: Recipe) -> bool:
        """Tell whether two recipes differ in the embedder at most: then only the vectors have to be made again."""
        own = replace(self, embedder_name="", embedder_fingerprint="", dimension=0)
        return own == replace(other, embedder_name="", embedder_fingerprint="", dimension=0)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot is. sources: source -> sha256; seconds: stage -> seconds; parent: the snapshot published before it."""

    id: str
    parent: str | None
    created_at: str
    recipe: Recipe
    counts: Mapping[str, int]
    sources: Mapping[str, str]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the manifest into a snapshot that is being built."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)
        (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a snapshot. Raises IndexMismatchError when it is missing, broken or of another format."""
        try:
            values = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
            return cls(**{**values, "recipe": Recipe(**values["recipe"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise IndexMismatchError(
                f"索引 {folder.name} の目録（{MANIFEST_FILE}）を読めないか、形式が違います（{error}）。", REBUILD_HINT
            ) from error

    def check_readable(self, *, tokenizer_version: str, embedder_fingerprint: str | None) -> None:
        """Raise IndexMismatchError unless this program, with this embedder (None: any), can search the snapshot."""
        expected = {
            "索引の形式": (self.recipe.format_version, FORMAT_VERSION),
            "単語の分け方": (self.recipe.tokenizer_version, tokenizer_version),
        }
        if embedder_fingerprint is not None:
            expected["埋め込みモデル"] = (self.recipe.embedder_fingerprint, embedder_fingerprint)
        for what, (built, wanted) in expected.items():
            if built != wanted:
                raise IndexMismatchError(
                    f"索引 {self.id} は別の{what}で作られています（索引: {built}、現在: {wanted}）。", REBUILD_HINT
                )
