"""``python -m clika checkpoints …`` and ``convert``, and how ``--model`` finds a registered checkpoint."""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from clika.checkpoints.archives import is_archive
from clika.checkpoints.cards import Card
from clika.checkpoints.children import told_by
from clika.checkpoints.file_names import is_pickled
from clika.checkpoints.registry import Registry, is_hub_id
from clika.checkpoints.unregistered import check_unregistered
from clika.errors import CheckpointRefusedError, UsageError
from clika.jobs.queue import found_job
from clika.settings import Settings

MakeCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]
_CONVERT_SECONDS = 7200


def add_checkpoints_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    shared: argparse.ArgumentParser,
    command: MakeCommand,
) -> None:
    """``checkpoints`` with its actions, and ``convert``, added to the command line's parser."""
    about = "the store's checkpoints: list, add, show, remove"
    checkpoints = commands.add_parser("checkpoints", help=about, description=about)
    actions = checkpoints.add_subparsers(metavar="ACTION", required=True)

    def action(name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=about, description=about, parents=[shared])
        made.set_defaults(command=run)
        return made

    action("list", list_command, "all checkpoints, the newest first")
    adding = action("add", add_command, "check a checkpoint and register it")
    adding.add_argument(
        "what",
        metavar="WHAT",
        help="a folder, an archive (.zip, .tar, .tar.gz, .tar.zst), a Hub id, or with --job a job",
    )
    adding.add_argument("--name", help="the name to show (default: the last part of WHAT)")
    adding.add_argument("--base", help="the registered checkpoint that an adapter is put on")
    adding.add_argument("--revision", help="of a Hub id: branch, tag or commit (default: main)")
    adding.add_argument(
        "--job", action="store_true", help="WHAT is a conductivity job: register what it tuned"
    )
    for name, run, about in (
        ("show", show_command, "one checkpoint's card"),
        ("remove", remove_command, "take a checkpoint out; an upload's files go with it"),
    ):
        action(name, run, about).add_argument("checkpoint", metavar="CHECKPOINT", help="its id or its name")
    converting = command(
        "convert", convert_command, "make safetensors of pickled weights, shut in, on this machine"
    )
    converting.add_argument(
        "source", metavar="DIR", type=Path, help="a folder with *.bin, *.pt, *.pth or *.ckpt"
    )


def registered(
    store: Path, model: str, adapter: str | None, name: str | None, only_limits: bool = False
) -> tuple[str, str | None, str | None]:
    """(model, adapter, name) as a job is given them: a registered checkpoint's folders, or what was asked for.

    A folder of that name in the working directory comes first, and is checked as one that is registered; with
    ``only_limits`` whoever asks says the rest. Raises UsageError for an adapter on an adapter, CheckpointRefusedError for
    a folder that is refused.
    """
    if Path(model).is_dir():
        whole = Path(model).resolve()
        try:
            check_unregistered(whole, None if adapter is None else Path(adapter), store)
        except CheckpointRefusedError as refused:
            if not only_limits or refused.code == "limits":
                raise
        return str(whole), adapter, name
    found = Registry(store).resolved(model)
    if found is None:
        return model, adapter, name
    folder, own, shown = found
    if own is not None and adapter is not None:
        raise UsageError(f"{model} is an adapter, and --adapter names another; give its base as --model")
    return folder, own or adapter, name or (shown if adapter is None else None)


def list_command(options: argparse.Namespace) -> int:
    """``checkpoints list``"""
    cards = Registry(options.store).cards()
    if not cards:
        print("no checkpoint yet; 'checkpoints add' registers one")
    for card in cards:
        on = f" on {card.base}" if card.base else ""
        print(
            f"{card.id}  {card.name}  {card.kind}{on}  {card.architecture or ''}  {card.size / 1e6:,.1f} MB"
        )
    return 0


def add_command(options: argparse.Namespace) -> int:
    """``checkpoints add WHAT``"""
    registry, what = Registry(options.store), Path(options.what)
    if options.job:
        card = _tuned_by(registry, options)
    elif what.is_dir():
        card = registry.add_folder(what, options.name, options.base)
    elif what.is_file():
        if not is_archive(what):
            raise UsageError(f"{what} is no archive; give a folder, or one of .zip, .tar, .tar.gz, .tar.zst")
        name = options.name or what.name.split(".")[0]
        card = registry.add_upload([(what.name, what)], name, options.base)
    elif is_hub_id(options.what):
        card = registry.add_hub(options.what, options.revision, Settings.hub_token(), options.name)
    else:
        raise UsageError(f"{options.what!r} is no folder, no archive here, and no Hub id such as owner/name")
    for label, value in card.pairs():
        print(f"{label}: {value}")
    for finding in card.findings:
        print(f"to know: {finding}")
    return 0


def _tuned_by(registry: Registry, options: argparse.Namespace) -> Card:
    one = found_job(options.store, options.what)
    tuned = one.folder.tuned
    if one.job is None or tuned is None:
        raise UsageError(f"{one.job_id} has tuned no model; give a conductivity job that is done")
    return registry.add_tuned(tuned, one.job.model, options.name or one.request.name, options.base)


def show_command(options: argparse.Namespace) -> int:
    """``checkpoints show CHECKPOINT``"""
    card = Registry(options.store).card(options.checkpoint)
    for label, value in card.pairs():
        print(f"{label}: {value}")
    for finding in card.findings:
        print(f"to know: {finding}")
    return 0


def remove_command(options: argparse.Namespace) -> int:
    """``checkpoints remove CHECKPOINT``"""
    card = Registry(options.store).remove(options.checkpoint)
    print(f"{card.id}: removed")
    return 0


def convert_command(options: argparse.Namespace) -> int:
    """``convert DIR``"""
    folder: Path = options.source.resolve()
    if not folder.is_dir():
        raise UsageError(f"no folder {str(options.source)!r}; give the folder that holds the weights")
    if not any(is_pickled(path.name) for path in folder.iterdir()):
        raise UsageError(f"{folder} holds no *.bin, *.pt, *.pth or *.ckpt; there is nothing to convert")
    if any(path.suffix == ".safetensors" for path in folder.iterdir()):
        raise UsageError(f"{folder} holds safetensors already; those are read")
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=folder) as made:
        arguments = [str(folder), str(Path(made).resolve())]
        found = told_by("clika.workers.conversion", arguments, _CONVERT_SECONDS)
        names = sorted(path.name for path in Path(made).iterdir())
        for name in names:
            shutil.move(Path(made) / name, folder / name)
    print(f"{found['weights']} weights of {found['files']} files -> {', '.join(names)}")
    print("the pickled files are still there and are never read; an upload must leave them out")
    return 0
