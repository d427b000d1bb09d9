"""The worker with a real tiny model: chat, a template of one's own, several orders; scores beside plain transformers."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from clika.database.index import Index
from clika.database.queries import answer_matrices, run_summaries
from clika.errors import ModelError
from clika.jobs.folder import JobFolder
from clika.jobs.spec import EvaluationJob
from clika.prompts.templates import Asking, Template
from clika.records import Prediction, Question, ScoringRule
from clika.scoring.permuted_scorer import shifted
from clika.shards import predictions_of, read_run, sound_tables
from clika.workers.evaluate import evaluate
from tests.models import TinyTokenizer, tiny_llama
from tests.scoring.test_rules import plain_sums
from tests.stores import made_up_questions, seal_questions

CHAT = (
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% if enable_thinking %}<think>{% endif %}{% endif %}"
)
OWN = '''name = "bare"
[choice]
text = """
{question}
{options}
The letter:"""
'''
QUESTIONS = made_up_questions(count=3, languages=("en", "he"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A tiny Llama whose tokenizer adds BOS and has a chat template that writes it."""
    folder = tiny_llama(tmp_path / "model", tokenizer=TinyTokenizer.BOS)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    return folder


def job(model: Path, **settings: object) -> EvaluationJob:
    made = EvaluationJob(str(model), "tiny", "made-up", ("xgeo",), ("en", "he"), device="cpu")
    return replace(made, **settings)  # type: ignore[arg-type]


def answers(store: Path, asked: EvaluationJob) -> dict[tuple[str, str], Prediction]:
    """What the worker sealed for a job."""
    if not (store / "collections").exists():
        seal_questions(store, QUESTIONS)
    folder = JobFolder.of(store, asked)
    folder.write_job(asked)
    evaluate(folder)
    run = read_run(folder.path)
    assert run is not None
    rows = [row for _, table in sound_tables(folder.path)[0] for row in predictions_of(run.run, table)]
    return {(row.question_id, row.language): row for row in rows}


def plain_letters(folder: Path, ids: list[int]) -> list[float]:
    """Nats of A to D after ids, by transformers alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        next_token = network(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
    return [float(next_token[tokenizer.convert_tokens_to_ids(letter)]) for letter in "ABCD"]


def own_text(question: Question) -> str:
    options = "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", question.choices, strict=True))
    return f"{question.text}\n{options}\nThe letter:"


def test_a_chat_is_what_the_tokenizer_itself_makes_of_the_turns(model: Path, tmp_path: Path) -> None:
    found = answers(tmp_path / "store", job(model, template="chat", demonstrations=0))
    tokenizer = AutoTokenizer.from_pretrained(model)
    assert len(found) == len(QUESTIONS)
    for question in QUESTIONS:
        lettered = own_text(question).removesuffix("\nThe letter:")
        content = (
            "Choose the correct option of the question below. Begin your answer with its letter.\n\n"
            + lettered
        )
        ids = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, return_dict=False
        )
        assert ids.count(tokenizer.bos_token_id) == 1
        one = found[question.question_id, question.language]
        assert one.scores[ScoringRule.LETTER] == pytest.approx(plain_letters(model, ids), abs=1e-4)


def test_what_an_option_is_worth_alone_in_a_chat_is_read_after_the_opened_answer(
    model: Path, tmp_path: Path
) -> None:
    found = answers(tmp_path / "store", job(model, template="chat", rule="pmi"))
    for question in QUESTIONS[:2]:
        scores = found[question.question_id, question.language].scores
        alone = [a - b for a, b in zip(scores[ScoringRule.OPTION], scores[ScoringRule.PMI], strict=True)]
        # the tokenizer puts <s> before this text, as the chat template does before its own
        expected = plain_sums(model, "</s>[assistant]", "", question.choices)
        assert alone == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("rule", ["letter", "option_per_byte"])
def test_a_chat_with_demonstrations_is_answered_by_every_rule(model: Path, tmp_path: Path, rule: str) -> None:
    found = answers(
        tmp_path / "store",
        job(model, template="chat", demonstrations=2, rotate_demonstrations=True, rule=rule),
    )
    assert all(row.chosen_index is not None for row in found.values())


def test_a_model_without_a_chat_template_says_what_to_do(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "base")
    with pytest.raises(ModelError, match=r"tiny has no chat template.*--template english"):
        answers(tmp_path / "store", job(folder, template="chat"))


def test_a_template_of_ones_own_in_four_orders(model: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    settings = {"template": "own:bare", "template_text": OWN, "demonstrations": 0}
    found = answers(store, job(model, **settings, permutations=4))
    tokenizer = AutoTokenizer.from_pretrained(model)
    for question in QUESTIONS:
        expected = [0.0] * 4
        for shift in range(4):
            ids = tokenizer(own_text(shifted(question, shift)))["input_ids"]
            for place, score in enumerate(plain_letters(model, ids)):
                expected[(place + shift) % 4] += math.exp(score) / 4
        one = found[question.question_id, question.language]
        assert [math.exp(score) for score in one.scores[ScoringRule.LETTER]] == pytest.approx(
            expected, abs=1e-5
        )
        assert one.chosen_index == expected.index(max(expected))
    answers(store, job(model, **settings))
    with Index.open(store) as index:
        runs = {summary.run.run: summary.run for summary in run_summaries(index, "made-up")}
        assert {run.template for run in runs.values()} == {"own:bare"}
        four = next(run for run in runs.values() if "permutations" in run.settings)
        assert four.settings["permutations"] == "4"
        again = answer_matrices(index, "made-up", list(runs), ["xgeo"], ScoringRule.LETTER_VARIANTS)
        assert len(again) == 2  # chosen again from what is stored, by the template's own name


def test_mixed_precision_permutes_both_and_chooses_as_float32(model: Path, tmp_path: Path) -> None:
    exact = answers(tmp_path / "exact", job(model, permutations=3))
    mixed = answers(tmp_path / "mixed", job(model, permutations=3, dtype="mixed"))
    assert {key: row.chosen_index for key, row in mixed.items()} == {
        key: row.chosen_index for key, row in exact.items()
    }


def test_native_asks_each_language_in_its_own_words(model: Path, tmp_path: Path) -> None:
    found = answers(tmp_path / "store", job(model, template="native"))
    tokenizer = AutoTokenizer.from_pretrained(model)
    hebrew = next(question for question in QUESTIONS if question.language == "he")
    text = Asking(Template.NATIVE).prompts([hebrew])[0].text
    assert text.endswith("\nתשובה:")
    one = found[hebrew.question_id, "he"]
    expected = plain_letters(model, tokenizer(text)["input_ids"])
    assert one.scores[ScoringRule.LETTER] == pytest.approx(expected, abs=1e-4)
