"""Every fixture of `eval.reading` is read as it says; what was found instead stands in the message."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from eval.reading.__main__ import check_fixture
from eval.reading.expectations import Kind
from eval.reading.fixtures import FIXTURES
from eval.reading.fixtures.fixture import Fixture


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.name)
def test_the_fixture_is_read_as_it_is_printed(fixture: Fixture, tmp_path: Path) -> None:
    if obstacle := fixture.find_obstacle():
        pytest.skip(obstacle)

    results = check_fixture(fixture, tmp_path)

    missed = [result.render() for result in results if not result.held]
    assert not missed, f"{fixture.feature}: {len(missed)}/{len(results)}\n" + "\n".join(missed)


def test_there_are_many_fixtures_and_every_kind_of_expectation_is_used() -> None:
    names = Counter(fixture.name for fixture in FIXTURES)
    used = {expectation.kind for fixture in FIXTURES for expectation in fixture.expectations}

    assert len(names) >= 32 and set(names.values()) == {1}, names.most_common(3)
    assert all(fixture.expected for fixture in FIXTURES)
    assert set(Kind) - used == set()
