"""The command line: ``python -m clika COMMAND``. A contract: other programs call it.

Exit status 0 for success, 2 for wrong use, 1 for failure with the reason on stderr. Only this file prints.
"""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq

from clika import __version__
from clika.build_factual_command import add_build_factual_command
from clika.checkpoint_commands import add_checkpoints_commands, registered
from clika.conductivity_command import add_conductivity_command
from clika.database.index import Index, rebuild
from clika.database.ingest import shard_folders
from clika.database.queries import answer_matrices, chosen_collection, parallel_question, prediction_rows
from clika.database.run_choice import chosen_runs
from clika.demo_command import add_demo_command
from clika.errors import ClikaError, UsageError
from clika.exports.predictions import for_spreadsheets, predictions_table, question_json
from clika.exports.scores import SCORE_FORMATS
from clika.failpoints import arm
from clika.fetch_command import add_fetch_command
from clika.imports import import_release
from clika.job_commands import (
    add_jobs_commands,
    add_launcher_options,
    done_to_end,
    launcher_settings,
    submit_command,
)
from clika.languages import language_codes
from clika.metrics.score_table import metric_datasets, score_table
from clika.question_sources import (
    QuestionSource,
    fitting_template,
    keep_questions,
    question_source,
    wanted_datasets,
    wanted_languages,
)
from clika.records import (
    DATASETS,
    LETTERS,
    FictionalSet,
    Level,
    Metric,
    Outcome,
    Run,
    ScoringRule,
)
from clika.redaction import redacting_handler
from clika.references import references_in
from clika.settings import Settings
from clika.shards import sound_tables
from clika.site_command import add_site_command

ASKED_SETS = [*DATASETS, *map(str, FictionalSet)]
RULES = [str(rule) for rule in ScoringRule if rule is not ScoringRule.FIRST_CHARACTER]

EXAMPLES = """examples:
  python -m clika import ../CLiKA
  python -m clika evaluate --model ./my-checkpoint --data ../CLiKA --languages en,de,zh --limit 50
  python -m clika preflight --model ./my-checkpoint --data ../CLiKA --languages en,de,zh
  python -m clika scores --metric ra --level factual
  python -m clika scores --metric en-co --dataset xgeo --format json
  python -m clika answers --dataset xgeo --question 17
  python -m clika export --output predictions.parquet
  python -m clika world --seed 7 --output my-world
  python -m clika site --output site
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    logging.basicConfig(level=logging.ERROR, handlers=[redacting_handler("%(message)s")])
    parser = build_parser()
    try:
        settings = Settings.from_env()
        options = parser.parse_args(arguments)
        arm(settings.failpoints)
        options.store = options.store or settings.store
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except UsageError as error:
        print(f"clika: {error}", file=sys.stderr)
        return 2
    except ClikaError as error:
        print(f"clika: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("clika: interrupted; what was sealed is kept, the same command goes on", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1


class _Help(argparse.RawDescriptionHelpFormatter):
    """Leaves room for the longest command: argparse counts its name without its indentation."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        names = action.choices or () if isinstance(action, argparse._SubParsersAction) else ()
        longest = max((len(name) for name in names), default=0) + 4
        self._action_max_length = max(self._action_max_length, longest)


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m clika",
        description="Does a language model know the same things in every language?",
        epilog=EXAMPLES,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"clika {__version__}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--store", type=Path, help="the folder of predictions (default: CLIKA_STORE, else store/)"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about, parents=[shared])
        made.set_defaults(command=run)
        return made

    importing = command("import", import_command, "take in the authors' released answers")
    importing.add_argument(
        "source", metavar="DIR", type=Path, help="folder with x_csqa, x_copa, x_geo, x_name"
    )
    importing.add_argument("--collection", default="released", help="name to keep them under")

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

    scoring = command("scores", scores_command, "accuracy, RA, en-CO or XRR, models down, languages across")
    scoring.add_argument("--metric", required=True, choices=[str(metric) for metric in Metric])
    scope = scoring.add_mutually_exclusive_group()
    scope.add_argument(
        "--dataset", choices=ASKED_SETS, help="XRR: fictional, or fictional-written for written answers"
    )
    scope.add_argument("--level", choices=[str(level) for level in Level])
    scoring.add_argument(
        "--scoring", choices=RULES, help="choose again by another rule's stored scores, without the model"
    )
    scoring.add_argument("--models", help="comma-separated names or run ids")
    scoring.add_argument("--format", default="table", choices=["table", "json", "csv", "latex"])
    scoring.add_argument("--collection", help="needed where the store holds several")

    answering = command("answers", answers_command, "one question in all languages with every model's picks")
    answering.add_argument("--dataset", required=True, choices=ASKED_SETS)
    answering.add_argument("--question", required=True, metavar="ID")
    answering.add_argument("--models", help="comma-separated names or run ids")
    answering.add_argument("--format", default="table", choices=["table", "json"])
    answering.add_argument("--collection", help="needed where the store holds several")

    exporting = command("export", export_command, "the per-item predictions as a file")
    exporting.add_argument("--output", required=True, type=Path, help="FILE.parquet, .csv or .jsonl")
    exporting.add_argument("--models", help="comma-separated names or run ids")
    exporting.add_argument("--collection", help="needed where the store holds several")

    add_build_factual_command(command)
    add_fetch_command(command)
    add_conductivity_command(command)
    add_demo_command(command)
    add_jobs_commands(commands, shared)
    add_checkpoints_commands(commands, shared, command)
    serving = command("serve", serve_command, "the dashboard, as app.py serves it")
    serving.add_argument("--host", help="the address to listen on (default: CLIKA_HOST, else 127.0.0.1)")
    serving.add_argument(
        "--no-demo", action="store_true", help="leave an empty store empty (or CLIKA_DEMO=0)"
    )
    serving.add_argument("--port", type=int, help="the port (default: CLIKA_PORT, else 7860)")
    serving.add_argument(
        "--auth",
        metavar="USER:PASSWORD_FILE",
        help="ask for this user and the password that the file holds (default: CLIKA_AUTH, else everybody may look)",
    )
    serving.add_argument(
        "--mcp", action="store_true", help="offer the reading functions of the API as tools over MCP"
    )

    add_site_command(command)
    making = command("world", world_command, "make a fictional world and write it in the release's layout")
    making.add_argument("--seed", required=True, type=int, help="another seed is another world")
    making.add_argument("--output", required=True, metavar="DIR", type=Path, help="a new folder")
    making.add_argument("--continents", type=int, default=20, help="with --one-hop: years (default 20)")
    making.add_argument("--places", type=int, default=20, help="on each continent (default 20)")
    making.add_argument("--style", default="coined", choices=["coined", "described"])
    making.add_argument("--one-hop", action="store_true", help="cities and their founding years")
    making.add_argument(
        "--direction",
        default="en-x",
        choices=["en-x", "x-en", "both"],
        help="what the training files translate",
    )

    command("rebuild", rebuild_command, "make the database again from the sealed shards")
    command("verify", verify_command, "compare every sealed shard with its manifest line")
    return parser


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


def serve_command(options: argparse.Namespace) -> int:
    """``serve``"""
    from clika.serving import serve  # the page's libraries take seconds to import

    settings = Settings.from_env()
    if options.port is not None and not 1 <= options.port <= 65535:
        raise UsageError(f"--port {options.port}; it must be a number from 1 to 65535")
    serve(
        replace(
            settings,
            store=options.store,
            host=options.host or settings.host,
            port=options.port or settings.port,
            demo=settings.demo and not options.no_demo,
            auth=options.auth or settings.auth,
            mcp=options.mcp or settings.mcp,
        )
    )
    return 0


def import_command(options: argparse.Namespace) -> int:
    """``import DIR``"""
    report = import_release(options.source, options.store, options.collection)
    with Index.open(options.store) as index:
        notices = index.notices
    for sentence in report.sentences():
        print(sentence)
    for sentence in (*report.faults, *notices):
        print(f"clika: {sentence}", file=sys.stderr)
    return 1 if report.faults or notices else 0


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


def _chosen_runs(index: Index, collection: str, models: str | None) -> dict[str, Run]:
    """Run id -> run, for the names or ids asked for. Raises UsageError for one that is not there."""
    names = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
    return chosen_runs(index, collection, names)


def scores_command(options: argparse.Namespace) -> int:
    """``scores --metric … --dataset|--level …``"""
    metric = Metric(options.metric)
    scope = options.dataset or options.level
    if scope is None:
        if metric is not Metric.XRR:
            raise UsageError(f"{metric} over what? give --dataset or --level")
        scope = str(FictionalSet.HELD_OUT)
    if metric is Metric.XRR and options.scoring:
        raise UsageError("XRR is by the candidate's whole name or by what was written; leave --scoring out")
    with Index.open(options.store) as index:
        collection = chosen_collection(index, options.collection)
        runs = _chosen_runs(index, collection, options.models)
        rule = ScoringRule(options.scoring) if options.scoring else None
        matrices = answer_matrices(index, collection, list(runs), metric_datasets(metric, scope), rule)
        references = references_in(index, collection) if metric is Metric.RA else {}
    rows = score_table(matrices, metric, scope, references, list(runs.values()))
    print(SCORE_FORMATS[options.format](rows, runs), end="")
    return 0


def answers_command(options: argparse.Namespace) -> int:
    """``answers --dataset D --question ID``"""
    with Index.open(options.store) as index:
        collection = chosen_collection(index, options.collection)
        questions = parallel_question(index, collection, options.dataset, options.question)
        runs = _chosen_runs(index, collection, options.models)
        rows = prediction_rows(index, collection, list(runs), options.dataset, options.question)
    if options.format == "json":
        print(
            json.dumps(
                [question_json(question, rows) for question in questions], ensure_ascii=False, indent=1
            )
        )
        return 0
    for question in questions:
        premise = f"{question.premise} " if question.premise else ""
        print(f"[{question.language}] {premise}{question.text}")
        for place, choice in enumerate(question.choices):
            gold = "*" if place == question.answer_index else " "
            pickers = [
                row.model
                for row in rows
                if row.prediction.language == question.language and row.prediction.chosen_index == place
            ]
            print(f"  {gold} {LETTERS[place]}. {choice}{'   <- ' + ', '.join(pickers) if pickers else ''}")
        for row in rows:
            prediction = row.prediction
            if prediction.language == question.language and prediction.outcome is not Outcome.ANSWERED:
                print(f"    {row.model}: {prediction.outcome} {prediction.raw_text or ''!r}")
    print("* the correct answer")
    return 0


def export_command(options: argparse.Namespace) -> int:
    """``export --output FILE``"""
    suffix = options.output.suffix
    if suffix not in (".parquet", ".csv", ".jsonl"):
        raise UsageError(f"cannot export to {options.output.name!r}; end it in .parquet, .csv or .jsonl")
    with Index.open(options.store) as index:
        collection = chosen_collection(index, options.collection)
        runs = _chosen_runs(index, collection, options.models)
        rows = prediction_rows(index, collection, list(runs))
    table = predictions_table(rows, runs)
    try:
        if suffix == ".parquet":
            pq.write_table(table, options.output)
        elif suffix == ".csv":
            pyarrow.csv.write_csv(for_spreadsheets(table), options.output)
        else:
            with options.output.open("w", encoding="utf-8") as file:
                for row in table.to_pylist():
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
    except OSError as error:
        raise ClikaError(f"cannot write {options.output}: {error.strerror}; choose another place") from error
    print(f"{table.num_rows} predictions of {len(runs)} runs -> {options.output}")
    return 0


def world_command(options: argparse.Namespace) -> int:
    """``world --seed N --output DIR``"""
    from clika.datasets.fictional_files import write_world
    from clika.datasets.fictional_samples import sample_counts, translation_directions
    from clika.datasets.fictional_world import NameStyle, WorldKind, WorldSettings, made_world
    from clika.datasets.sample import read_sample

    settings = WorldSettings(
        seed=options.seed,
        continents=options.continents,
        places=options.places,
        style=NameStyle(options.style),
        kind=WorldKind.FOUNDING_YEARS if options.one_hop else WorldKind.CONTINENTS,
    )
    directions = translation_directions(options.direction)
    world = made_world(settings, read_sample().place_names)
    files = write_world(world, options.output, directions)
    shape = world.shape
    what = "cities of" if options.one_hop else "places on"
    answers = "founding years" if options.one_hop else "continents"
    print(
        f"world {world.fingerprint}: {shape.places} {what} {shape.candidates} {answers}, {shape.taught} taught,"
        f" {shape.places - shape.taught} held out, in {len(world.languages)} languages"
    )
    print(f"each training file: {sample_counts(shape, directions).sentence()}")
    print(f"{files} files -> {options.output}")
    return 0


def rebuild_command(options: argparse.Namespace) -> int:
    """``rebuild``"""
    rows = rebuild(options.store)
    print(f"{options.store}: the database holds {rows} predictions, made again from the sealed shards")
    return 0


def verify_command(options: argparse.Namespace) -> int:
    """``verify``"""
    if not options.store.is_dir():
        raise UsageError(f"no store at {str(options.store)!r}; give its folder with --store")
    shards = rows = bad = 0
    for folder in shard_folders(options.store):
        sound, faults = sound_tables(folder)
        shards += len(sound)
        rows += sum(table.num_rows for _, table in sound)
        for fault in faults:
            bad += 1
            print(f"clika: {fault.sentence}", file=sys.stderr)
    with Index.open(options.store) as index:
        notices = index.notices
    for notice in notices:
        print(f"clika: {notice}", file=sys.stderr)
    print(f"{options.store}: {shards} sealed shards with {rows} rows are as they were sealed, {bad} are not")
    return 1 if bad or notices else 0
