"""Train: what to learn from and how, and the run as it goes."""

import streamlit as st

from builder.analysis import check
from pages.parts import advice, controls, execution, files, moments, preview, probes, recipe, runs, session
from pages.parts.problems import problem_list

draft = session.draft()
experiment = files.experiment_of(draft)
_, problems = check(experiment)
errors = [problem for problem in problems if problem.severity == "error"]
run = session.run(draft.id)

left, right = st.columns([4, 9], gap="medium")
with left, st.container(key="experiment"):
    recipe.settings(experiment, problems, draft.id, draft.revision)
    execution.settings(draft, None if errors else experiment)
with right:
    controls.controls(draft, experiment, run, ready=not errors)
    problem_list(session.notices(), lambda edits: session.submit(edits, draft.revision), "notice")
    problem_list(errors, lambda edits: session.submit(edits, draft.revision), "experiment")
    if run is None:
        preview.data(experiment)
    else:
        runs.live(run)
        advice.advice(run)
        runs.results(run, lambda edits: session.submit(edits, draft.revision))
        moments.moments(run)
    runs.history(draft)
if session.shown(probes.FIRST_STEP):
    probes.first_step_dialog(experiment, draft.id, draft.revision)
