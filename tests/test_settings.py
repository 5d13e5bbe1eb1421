"""Settings: what wins over what, and what is refused with which words."""

from __future__ import annotations

from dataclasses import Field, FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from rag.errors import SettingsError
from rag.settings import Settings, load_settings

FIELDS = fields(Settings)
WRITTEN: dict[str, tuple[str, Any]] = {
    "Path": ("庁内/文書", Path("庁内/文書")),
    "str": ("澄野町", "澄野町"),
    "int": ("100", 100),
    "bool": ("false", False),
    "float": ("0.25", 0.25),
}
"""Type -> (as it is written in the environment, the value)."""
CHOSEN = {
    "adapt": ("off", "off"),
    "personal_data": ("refuse", "refuse"),
    "accounts": ("on", "on"),
    "questions_visible_to": ("qa", "qa"),
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def by_name(field: Field[Any]) -> str:
    return field.name


def base_type(field: Field[Any]) -> str:
    return str(field.type).partition(" |")[0]


def write_toml(text: str, name: str = "rag.toml") -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def refusal(**arguments: Any) -> SettingsError:
    with pytest.raises(SettingsError) as refused:
        load_settings(**({"environment": {}} | arguments))
    return refused.value


def test_without_anything_the_defaults_hold() -> None:
    assert load_settings(environment={}) == Settings()


def test_file_beats_default_environment_beats_file_and_arguments_beat_everything() -> None:
    write_toml('host = "file"\npage_title = "file"\ncontact_department = "file"\n')
    environment = {"RAG_PAGE_TITLE": "environment", "RAG_CONTACT_DEPARTMENT": "environment"}

    settings = load_settings(environment=environment, contact_department="argument", contact_extension=None)

    found = (settings.embedder, settings.host, settings.page_title, settings.contact_department)
    assert found == ("default", "file", "environment", "argument")


def test_the_working_folder_and_the_process_are_asked_when_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    write_toml("workers = 2")
    monkeypatch.setenv("RAG_PORT", "8080")

    settings = load_settings()

    assert (settings.workers, settings.port) == (2, 8080)


def test_an_argument_that_is_none_changes_nothing() -> None:
    assert load_settings(environment={"RAG_PORT": "8080"}, port=None).port == 8080


def test_a_named_file_replaces_that_of_the_working_folder_and_must_exist() -> None:
    write_toml("port = 1")
    other = write_toml("port = 2", "other.toml")

    assert load_settings(other, environment={}).port == 2
    assert "missing.toml" in refusal(file=Path("missing.toml")).message


def test_variables_of_others_are_left_alone() -> None:
    assert load_settings(environment={"PATH": "/bin", "RAGTIME": "1", "MY_RAG_PORT": "2"}) == Settings()


def test_a_choice_is_one_of_those_that_are_named() -> None:
    assert "auto・off のどれか" in refusal(adapt="always").hint


@pytest.mark.parametrize("field", FIELDS, ids=by_name)
def test_every_setting_is_read_from_the_environment(field: Field[Any]) -> None:
    written, value = CHOSEN.get(field.name) or WRITTEN[base_type(field)]

    settings = load_settings(environment={f"RAG_{field.name.upper()}": written})

    found = getattr(settings, field.name)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("field", FIELDS, ids=by_name)
def test_every_setting_is_read_from_the_file(field: Field[Any]) -> None:
    written, value = CHOSEN.get(field.name) or WRITTEN[base_type(field)]
    write_toml(f"{field.name} = " + (written if base_type(field) in ("int", "float", "bool") else f'"{written}"'))

    found = getattr(load_settings(environment={}), field.name)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("field", FIELDS, ids=by_name)
def test_every_default_is_of_its_own_type(field: Field[Any]) -> None:
    optional = "None" in str(field.type)

    assert (field.default is None and optional) or type(field.default).__name__ in (
        base_type(field),
        "PosixPath",
        "WindowsPath",
    )


@pytest.mark.parametrize("name", ["answer_threshold", "contact_extension"])
def test_an_empty_variable_takes_an_optional_setting_away(name: str) -> None:
    write_toml(f'{name} = "0.5"')

    assert getattr(load_settings(environment={}), name) is not None
    assert getattr(load_settings(environment={f"RAG_{name.upper()}": ""}), name) is None


def test_an_unknown_name_in_the_file_is_refused_with_the_known_ones() -> None:
    write_toml("prot = 8080")

    error = refusal()

    assert "prot" in error.message
    assert error.hint.endswith(", ".join(sorted(field.name for field in FIELDS)))


def test_an_unknown_name_in_the_environment_is_refused_with_the_known_ones() -> None:
    error = refusal(environment={"RAG_PROT": "8080"})

    assert "prot" in error.message.lower()
    assert "port" in error.hint.split(": ")[1].split(", ")


def test_an_unknown_argument_is_refused() -> None:
    assert "prot" in refusal(prot=8080).message


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("port", '"eighty"', "整数"),
        ("port", "7860.5", "整数"),
        ("port", "true", "整数"),
        ("port", "[1]", "整数"),
        ("max_removal_share", '"half"', "数値"),
        ("answer_threshold", '"high"', "数値"),
        ("corpus", "5", "フォルダー"),
    ],
)
def test_a_value_of_a_wrong_type_is_refused_by_name_and_with_the_right_type(name: str, value: str, kind: str) -> None:
    write_toml(f"{name} = {value}")

    error = refusal()

    assert name in error.message, error
    assert kind in error.hint, error


@pytest.mark.parametrize(
    "content", [b"port = ", b"port 8080", 'page_title = "しるべ"'.encode("cp932")], ids=["no value", "no sign", "cp932"]
)
def test_a_file_that_is_no_toml_is_refused_by_name(content: bytes) -> None:
    Path("rag.toml").write_bytes(content)

    error = refusal()

    assert "rag.toml" in error.message
    assert "UTF-8" in error.hint


def test_settings_do_not_change_once_they_are_made() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", 99_999),
        ("snapshots_kept", 0),
        ("max_removal_share", float("nan")),
        ("max_removal_share", True),
        ("workers", float("inf")),
        ("page_title", 5),
        ("corpus", ""),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_its_key(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=key):
        load_settings(environment={}, **{key: value})


def test_a_file_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Notepad on Windows writes one."""
    file = tmp_path / "rag.toml"
    file.write_text("port = 8000\n", encoding="utf-8-sig")
    assert load_settings(file, environment={}).port == 8000
