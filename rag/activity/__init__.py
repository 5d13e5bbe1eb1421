"""What しるべ remembers of its use: the door to it.

Activity            all of it, over one installation (data_dir/activity.sqlite, corpus/確認済みQ&A.csv)
Asking, Viewer      a question to be remembered; who looks at questions
Verdict, Rating     役に立った・違う・見つからない; ○△×
GapState            open, asked, closed
build_usage_excel, build_gaps_excel   the figures and the gaps as .xlsx
KEEPABLE            what an official answer may say of an office
"""

from rag.activity.activity import Activity
from rag.activity.gaps import GapState, build_gaps_excel
from rag.activity.ratings import Rating
from rag.activity.records import Asking, Verdict
from rag.activity.reviewed import KEEPABLE
from rag.activity.usage_excel import build_usage_excel
from rag.activity.visibility import Viewer

__all__ = [
    "KEEPABLE",
    "Activity",
    "Asking",
    "GapState",
    "Rating",
    "Verdict",
    "Viewer",
    "build_gaps_excel",
    "build_usage_excel",
]
