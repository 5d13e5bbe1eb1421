"""The models of this machine: what came with the package, what was adapted to an index, and what somebody brought here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import EmbedderError, IndexError_
from rag.indexing.manifest import Manifest
from rag.indexing.model_files import CONFIG_FILE, ModelFolder, list_cached_models, list_model_folders, read_json
from rag.indexing.profiles import OWNER_FILE, Profile, is_owner_file, is_reranker, read_profile
from rag.indexing.snapshot import SnapshotStore
from rag.settings import Settings

SHIPPED, ADAPTED, FOLDER, CACHE = "同梱", "索引に適応", "持ち込み", "手元の保存場所"
EMBEDDER, RERANKER, UNUSABLE = "embedder", "reranker", "unusable"
DEFAULT = "default"
_ADAPTED_FOLDER, _CHOSEN_FILE = "models", "CURRENT"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that is here. name: what the settings call it; place: where it comes from.

    kind: EMBEDDER, RERANKER or UNUSABLE, then `reason` says why. is_chosen: the settings choose it; built_index: the current index was
    built with it (by fingerprint for a static model, by name for any other: `rag models --check` compares the whole).
    """

    name: str
    place: str
    kind: str
    bytes: int
    family: str | None = None
    dimension: int | None = None
    dense_weight: float | None = None
    fingerprint: str | None = None
    is_chosen: bool = False
    built_index: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """The models that are here, what the settings choose, and the name and fingerprint with which the current index was built."""

    models: tuple[KnownModel, ...]
    embedder: str
    reranker: str
    index_embedder: str | None
    index_fingerprint: str | None


def take_inventory(settings: Settings) -> Inventory:
    """Return the models of this machine and of the index of the settings, without loading any."""
    manifest = _current_manifest(settings.index)
    built = (manifest.recipe.embedder_name, manifest.recipe.embedder_fingerprint) if manifest else (None, None)
    models = (
        *_static_models(settings, built[1]),
        *_others(list_model_folders(settings.models_dir), FOLDER, settings, built[0]),
        *_others(list_cached_models(), CACHE, settings, built[0]),
    )
    return Inventory(models, settings.embedder, settings.reranker, *built)


def _current_manifest(index: Path) -> Manifest | None:
    try:
        return SnapshotStore(index).manifest()
    except IndexError_:  # no index yet, or one of another version: it says nothing of its embedder
        return None


def _static_models(settings: Settings, built: str | None) -> Iterable[KnownModel]:
    from rag.indexing.embedding import DEFAULT_MODEL

    folder = settings.index / _ADAPTED_FOLDER
    file = folder / _CHOSEN_FILE
    chosen = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
    is_default = settings.embedder == DEFAULT
    yield _static(ModelFolder(DEFAULT, DEFAULT_MODEL), SHIPPED, built, is_chosen=is_default and not chosen)
    for model in list_model_folders(folder):
        yield _static(model, ADAPTED, built, is_chosen=is_default and model.folder.name == chosen)


def _static(model: ModelFolder, place: str, built: str | None, *, is_chosen: bool) -> KnownModel:
    from rag.indexing.embedding import WEIGHTS_FILE, fingerprint_of
    from rag.indexing.pieces import TOKENIZER_FILE

    try:
        said = read_json(model.folder / OWNER_FILE)
        weight, dimension = float(said["fusion"]["dense_weight"]), int(said["dimension"])
        fingerprint = fingerprint_of([model.folder / WEIGHTS_FILE, model.folder / TOKENIZER_FILE])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return KnownModel(
            model.name, place, UNUSABLE, model.bytes, is_chosen=is_chosen, reason=f"壊れています（{error}）"
        )
    return KnownModel(
        name=model.name,
        place=place,
        kind=EMBEDDER,
        bytes=model.bytes,
        family=str(said.get("name", "")) or None,
        dimension=dimension,
        dense_weight=weight,
        fingerprint=fingerprint,
        is_chosen=is_chosen,
        built_index=fingerprint == built,
    )


def _others(models: Iterable[ModelFolder], place: str, settings: Settings, built: str | None) -> Iterable[KnownModel]:
    for model in models:
        called = model.folder.resolve().name if place == FOLDER else model.name
        if is_reranker(model.folder, called):
            chosen = _is_chosen(model, settings.reranker)
            yield KnownModel(model.name, place, RERANKER, model.bytes, is_chosen=chosen)
        elif (model.folder / OWNER_FILE).is_file() and not is_owner_file(model.folder / OWNER_FILE):
            yield _static(model, place, None, is_chosen=_is_chosen(model, settings.embedder))
        else:
            yield _transformer(model, called, place, _is_chosen(model, settings.embedder), built)


def _transformer(model: ModelFolder, called: str, place: str, is_chosen: bool, built: str | None) -> KnownModel:
    try:
        profile: Profile = read_profile(model.folder, called)
        dimension = _dimension(model.folder)
    except (EmbedderError, OSError, ValueError) as error:
        reason = error.message if isinstance(error, EmbedderError) else f"壊れています（{error}）"
        return KnownModel(model.name, place, UNUSABLE, model.bytes, is_chosen=is_chosen, reason=reason)
    return KnownModel(
        name=model.name,
        place=place,
        kind=EMBEDDER,
        bytes=model.bytes,
        family=profile.family,
        dimension=dimension,
        dense_weight=profile.dense_weight,
        is_chosen=is_chosen,
        built_index=called == built,
    )


def _is_chosen(model: ModelFolder, setting: str) -> bool:
    return model.name == setting or (Path(setting).is_dir() and Path(setting).resolve() == model.folder.resolve())


def _dimension(folder: Path) -> int | None:
    """Return the dimension that the files of a model tell: that of its last layer that changes it, else of its words."""
    found: list[Any] = [read_json(folder / CONFIG_FILE).get("hidden_size")]
    for file in sorted(folder.glob("[0-9]*_*/config.json")):
        said = read_json(file)
        found += [said.get(key) for key in ("word_embedding_dimension", "embedding_dimension", "out_features")]
    sizes = [size for size in found if isinstance(size, int)]
    return sizes[-1] if sizes else None
