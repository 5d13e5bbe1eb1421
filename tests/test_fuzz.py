"""The fuzzer's own smoke test: damaged files are read or listed, and nothing reaches the caller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from eval.bench import fuzz
from eval.bench.mutations import ARCHIVE, PDF, damage_member, damage_pdf_stream, mutate
from eval.bench.seeds import make_seeds
from rag.reading.archives import ARCHIVE_SUFFIX
from rag.reading.registry import READERS


def test_there_is_a_whole_file_of_nearly_every_kind() -> None:
    seeds = make_seeds()
    assert {".pdf", ".xlsx", ".csv", ".md", ".txt", ARCHIVE_SUFFIX} <= set(seeds) <= {*READERS, ARCHIVE_SUFFIX}
    assert all(data for files in seeds.values() for data in files)


def test_damage_is_the_same_for_the_same_numbers_and_nearly_always_damage() -> None:
    seeds = [data for files in make_seeds().values() for data in files]
    first, second = ([mutate(d, Random(n), seeds[0]) for n, d in enumerate(seeds * 3)] for _ in range(2))
    assert first == second
    assert sum(damaged != data for (_, damaged), data in zip(first, seeds * 3, strict=True)) > 0.9 * len(first)


@pytest.mark.parametrize("mutation", list(dict.fromkeys((*ARCHIVE, *PDF))), ids=lambda mutation: mutation.__name__)
def test_every_kind_of_damage_can_be_done_to_every_kind_of_file(mutation: Callable[..., bytes]) -> None:
    for files in make_seeds().values():
        assert isinstance(mutation(files[0], Random(1), files[0]), bytes)


def test_the_container_stays_whole_when_what_is_inside_is_damaged() -> None:
    seeds = make_seeds()
    assert damage_member(seeds[".xlsx"][0], Random(1), b"x").startswith(b"PK\x03\x04")
    pdf = seeds[".pdf"][0]
    damaged = damage_pdf_stream(pdf, Random(1), b"x")
    assert damaged != pdf and damaged.startswith(b"%PDF") and damaged.rstrip().endswith(b"%%EOF")


def test_twenty_damaged_files_are_read_or_listed(tmp_path: Path) -> None:
    tally = fuzz.run(tmp_path, inputs=20, seed=0)
    names = sum(tally.results.values())
    assert names >= 20 and tally.uncaught == 0, fuzz.render(tally)
    assert {code for _, code in tally.results} > {"read"}, "nothing was damaged"


def test_an_error_that_reaches_the_caller_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr(fuzz, "list_corpus", fail)
    tally = fuzz.run(tmp_path, inputs=3, seed=0, keep=tmp_path / "kept")
    assert tally.uncaught == 3 and "ZeroDivisionError" in fuzz.render(tally)
    assert len(list((tmp_path / "kept").glob("uncaught-*"))) == 3
