"""Which documents of a label are not the edition that its question is answered from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from eval.document_places import DocumentPlaces
from eval.places import Gold
from eval.questions import Question
from rag.documents import COMMAND_LINE, Edition, Filters, Standing
from rag.retrieval.editions import EditionChooser


def find_superseded(
    question: Question, gold: Sequence[Gold], places: DocumentPlaces, today: date
) -> Iterator[tuple[Gold, Edition, tuple[str, ...]]]:
    """Yield the places in an edition that the question does not want, what it is, and the documents of the edition in force.

    The search judges which editions a question wants: that of its 基準日, of a day or year that it names, the one before where it
    asks what changed, else the one in force today. Without a 基準日 a text of its own for each year and the edition in force are left
    alone; a label that names a place in a wanted edition too always is.
    """
    families = places.families
    filters = Filters(as_of=question.as_of) if question.as_of else None
    chooser = EditionChooser(families, question.text, filters, COMMAND_LINE, today)
    judged = {one.source: chooser.judge(one.source, places.metadata(one.source)) for one in gold}
    wanted = {edition.family for edition in judged.values() if edition and edition.chosen}
    for one in gold:
        edition = judged[one.source]
        if edition is None or edition.chosen or edition.family in wanted:
            continue
        if question.as_of is None and edition.standing in (Standing.CURRENT, Standing.EARLIER):
            continue
        current = families[one.source].in_force(question.as_of or today)
        yield one, edition, tuple(member.source for member in current)
