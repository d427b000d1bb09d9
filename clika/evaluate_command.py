"""``python -m clika evaluate`` and ``preflight``: a checkpoint is asked, or looked at before it is."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from clika.checkpoint_commands import registered
from clika.database.index import Index
from clika.errors import UsageError
from clika.job_commands import add_launcher_options, done_to_end, launcher_settings, submit_command
from clika.languages import language_codes
from clika.question_sources import (
    QuestionSource,
    fitting_template,
    keep_questions,
    question_source,
    wanted_datasets,
    wanted_languages,
)
from clika.records import ScoringRule

MakeCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]

RULES = [str(rule) for rule in ScoringRule if rule is not ScoringRule.FIRST_CHARACTER]


def add_evaluate_commands(command: MakeCommand) -> None:
    """``evaluate``, ``preflight`` and their options, added to the command line's parser."""
    evaluating = command("evaluate", evaluate_command, "ask a checkpoint by forced choice")
    evaluating.add_argument(
        "--model", required=True, help="a checkpoint's folder, a Hub id, or a registered name"
    )
    evaluating.add_argument("--adapter", help="the folder of a LoRA adapter to be put on the model")
    evaluating.add_argument("--name", help="the name to show (default: the folder's or id's last part)")
    evaluating.add_argument("--datasets", help="comma-separated (default: all of the collection)")
    _add_source_options(evaluating)
    evaluating.add_argument("--languages", default="all", help="all, or codes such as en,de,zh")
    evaluating.add_argument("--limit", type=int, help="at most so many questions a data set")
    _add_template_options(evaluating)
    evaluating.add_argument(
        "--scoring", default="letter", choices=RULES, help="how a choice is read off (default letter)"
    )
    evaluating.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16", "mixed"])
    evaluating.add_argument("--device", default="auto", choices=["cpu", "cuda", "mps", "auto"])
    evaluating.add_argument("--batch-tokens", type=int, default=8192, help="tokens a batch (default 8192)")
    evaluating.add_argument("--replicas", type=int, default=1, help="copies of the model (default 1)")
    evaluating.add_argument(
        "--gpus-per-replica",
        "--gpus",
        type=int,
        default=1,
        help="GPUs that a copy is spread over (default 1)",
    )
    evaluating.add_argument(
        "--cores",
        type=int,
        default=0,
        help="CPU cores that a copy takes, the rest is left to other jobs (default 0: all)",
    )
    evaluating.add_argument("--queue", action="store_true", help="put it into the queue and return")
    add_launcher_options(evaluating)

    looking = command("preflight", preflight_command, "what a run would stumble over, before any work")
    looking.add_argument(
        "--model", required=True, help="a checkpoint's folder, a Hub id, or a registered name"
    )
    looking.add_argument("--languages", default="all", help="all, or codes such as en,de,zh")
    _add_source_options(looking)
    looking.add_argument("--datasets", help="comma-separated (default: all of the collection)")
    looking.add_argument("--limit", type=int, help="at most so many questions a data set")
    _add_template_options(looking)
    looking.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16", "mixed"])
    looking.add_argument("--device", default="auto", choices=["cpu", "cuda", "mps", "auto"])
    looking.add_argument("--quick", action="store_true", help="stop before the weights are loaded")
    looking.add_argument("--format", default="table", choices=["table", "json"])


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        help="questions: a folder in the release's layout, or a .csv, .jsonl or .parquet of your own",
    )
    parser.add_argument(
        "--collection", help="the stored collection to ask (default: the only one); sample: the bundled one"
    )


def _add_template_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--template",
        metavar="NAME|FILE.toml",
        help="the text around a question: released, english, native, chat, alpaca, or a file of your own"
        " (default: released where the data hold it, else english)",
    )
    parser.add_argument(
        "--demonstrations", type=int, metavar="N", help="answered questions before each (default 1)"
    )
    parser.add_argument(
        "--rotate-demonstrations",
        action="store_true",
        help="move the demonstrations' gold letters on from question to question",
    )
    parser.add_argument(
        "--permutations",
        type=int,
        default=1,
        metavar="N",
        help="ask every question in N cyclic orders of its options and take the mean (default 1)",
    )


def evaluate_command(options: argparse.Namespace) -> int:
    """``evaluate --model M``"""
    from clika.jobs.spec import EvaluationJob

    language_codes(options.languages)  # a wrong one is told before anything is read
    launcher = launcher_settings(options)
    template, template_text, demonstrations = _asked_template(options)
    source = _source(options)
    available = source.questions
    languages = wanted_languages(options.languages, available)
    datasets = wanted_datasets(options.datasets, available)
    keep_questions(options.store, source)
    model, adapter, name = registered(options.store, options.model, options.adapter, options.name)
    job = EvaluationJob(
        model=model,
        name=name or Path(options.adapter or options.model).name,
        collection=source.collection,
        datasets=datasets,
        languages=languages,
        limit=options.limit,
        template=template or str(fitting_template(available, datasets)),
        template_text=template_text,
        demonstrations=demonstrations,
        rotate_demonstrations=options.rotate_demonstrations,
        permutations=options.permutations,
        rule=options.scoring,
        dtype=options.dtype,
        device=options.device,
        batch_tokens=options.batch_tokens,
        replicas=options.replicas,
        gpus_per_replica=options.gpus_per_replica,
        cores=options.cores,
        adapter=None if adapter is None else str(Path(adapter).resolve()),
    )
    if launcher is not None:
        job = launcher.fitted(job)
    if options.queue:
        return submit_command(options.store, job, launcher)
    sentence = done_to_end(options.store, job, launcher)
    with Index.open(options.store) as index:
        for notice in index.notices:
            print(f"clika: {notice}", file=sys.stderr)
    print(sentence)
    return 0


def preflight_command(options: argparse.Namespace) -> int:
    """``preflight --model M``; status 1 where something would be refused"""
    from clika.datasets.selection import selected
    from clika.prompts.own_template import own_form
    from clika.prompts.templates import Asking, Template
    from clika.scoring.preflight import preflight
    from clika.scoring.preflight_report import as_json, as_table

    language_codes(options.languages)
    if options.limit is not None and options.limit < 1:
        raise UsageError(f"limit {options.limit}: look at 1 question a data set or more, or leave it out")
    available = _source(options).questions
    languages = wanted_languages(options.languages, available)
    datasets = wanted_datasets(options.datasets, available)
    name, text, demonstrations = _asked_template(options)
    template = Template(name or fitting_template(available, datasets)) if text is None else own_form(text)
    asking = Asking(template, demonstrations, options.rotate_demonstrations, options.permutations)
    chosen = selected(available, datasets, languages, options.limit)
    without = [code for code in languages if code not in {question.language for question in chosen}]
    if without:
        print(f"clika: no question in {', '.join(without)}: passed over", file=sys.stderr)
    if not chosen:
        raise UsageError("no question to look at; name data sets and languages that hold questions")
    chosen, left_out = asking.askable(chosen)
    for reason in left_out.values():
        print(f"clika: a run leaves out in every language: {reason}", file=sys.stderr)
    found = preflight(
        registered(options.store, options.model, None, None, only_limits=True)[0],
        lambda renderer: asking.prompts(chosen, renderer),
        dtype=options.dtype,
        device=options.device,
        quick=options.quick,
    )
    print(as_json(found) if options.format == "json" else as_table(found), end="")
    return 1 if found.refused else 0


def _source(options: argparse.Namespace) -> QuestionSource:
    """The questions that --data and --collection name; what a person should know of them is told."""
    source = question_source(options.store, options.data, options.collection)
    for sentence in source.sentences:
        print(f"clika: {sentence}", file=sys.stderr)
    return source


def _asked_template(options: argparse.Namespace) -> tuple[str | None, str | None, int]:
    """(the template's name or None for the one that fits, a file's content, how many demonstrations).

    A template of one's own that has no place for demonstrations has none unless they are asked for. Raises
    UsageError, before anything is stored, for a template that is none or cannot do what is asked.
    """
    from clika.prompts.own_template import ENDING, own_form, read_own_template
    from clika.prompts.templates import Asking, Template

    count: int | None = options.demonstrations
    name: str | None = options.template
    if name is None or name in list(Template):
        count = 1 if count is None else count
        Asking(Template(name or Template.ENGLISH), count, options.rotate_demonstrations, options.permutations)
        return name, None, count
    if not name.endswith(ENDING):
        raise UsageError(f"template {name!r}; known: {', '.join(Template)}, or a file that ends in {ENDING}")
    shown, text = read_own_template(Path(name))
    form = own_form(text)
    count = int(form.demonstrable) if count is None else count
    Asking(form, count, options.rotate_demonstrations, options.permutations)
    return shown, text, count
