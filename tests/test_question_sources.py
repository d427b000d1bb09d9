"""Questions in a language beyond the ten go the whole way: from a file through the store to a score."""

from pathlib import Path

from clika.database.index import Index
from clika.database.queries import answer_matrices, parallel_question
from clika.datasets.own_file import read_own_file
from clika.jobs.spec import EvaluationJob
from clika.metrics.score_table import score_table
from clika.question_sources import wanted_languages
from clika.records import Metric
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions

CSV = """question_id,language,question,choices,answer,origin
1,sw,Mji mkuu wa Tanzania ni upi?,Dodoma|Arusha,A,sw
1,en,Which city is the capital of Tanzania?,Dodoma|Arusha,A,sw
"""


def test_a_file_in_swahili_is_read_and_all_asks_in_it(tmp_path: Path) -> None:
    (tmp_path / "quiz.csv").write_text(CSV)
    own = read_own_file(tmp_path / "quiz.csv", "quiz")
    assert own.faults == ()
    assert {question.origin for question in own.questions} == {"sw"}
    languages = wanted_languages("all", own.questions)
    assert (languages[0], languages[-1], len(languages)) == ("en", "sw", 11)
    assert wanted_languages("sw,en", own.questions) == ("en", "sw")
    job = EvaluationJob(model="m", name="m", collection="quiz", datasets=("own",), languages=languages)
    assert job.languages[-1] == "sw"


def test_its_answers_are_scored_and_shown_after_the_ten(tmp_path: Path) -> None:
    run = made_up_run()
    seal_questions(tmp_path, made_up_questions(languages=("sw", "en"), count=2))
    seal_predictions(
        tmp_path, run, predictions(run, {("0", "sw"): 0, ("1", "sw"): 0, ("0", "en"): 0, ("1", "en"): 1})
    )
    with Index.open(tmp_path) as index:
        matrices = answer_matrices(index, "made-up", [run.run], ("xgeo",))
        (row,) = score_table(matrices, Metric.ACCURACY, "xgeo", {}, [run])
        shown = [question.language for question in parallel_question(index, "made-up", "xgeo", "0")]
    assert row.languages == ("en", "sw")
    assert list(row.values) == [1.0, 0.5]  # question 1's answer is its second choice
    assert shown == ["en", "sw"]
