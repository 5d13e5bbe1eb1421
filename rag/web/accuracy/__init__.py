"""The tab 「正答率」 of the QA team: the question set, runs over it, figures, single questions.

tab             the tab, and which run is looked at
measuring       starts, shows and stops a run
shelf           the runs that are kept
figures         figures with intervals, against another run, as HTML
question_list   the questions of a run as a list
question_view   one question with its answer and its evidence
report_button   the report of a run as one HTML file
set_panel       the question set as a file, both ways
"""
