"""What registering checks, of a checkpoint that a job is given by its folder alone."""

from pathlib import Path

from clika.checkpoints.children import PACKAGE, inspected
from clika.checkpoints.folder_rules import checked_folder, folder_named
from clika.checkpoints.quarantine import CHECKPOINTS

SHIPPED = PACKAGE / "assets" / "models"


def check_unregistered(folder: Path, adapter: Path | None = None, store: Path | None = None) -> None:
    """Look at a model's files, and in a process shut in at its tokenizer and chat template; at an adapter on it too.

    What ``store`` took in as an upload, and what came with the program, was looked at and lies where nobody else
    writes; a folder that holds no model and no adapter the job refuses by itself. Raises CheckpointRefusedError, whose
    code says which rule is broken.
    """
    kept = [SHIPPED] if store is None else [SHIPPED, (store / CHECKPOINTS).resolve()]

    def is_known(place: Path) -> bool:
        return any(place.is_relative_to(one) for one in kept)

    folder = folder.resolve()
    if not is_known(folder) and any(
        (folder / name).is_file() for name in ("config.json", "adapter_config.json")
    ):
        with folder_named(folder):
            checked_folder(folder)
            inspected(folder)
    if adapter is not None and not is_known(adapter.resolve()):
        with folder_named(adapter.resolve()):
            checked_folder(adapter.resolve())
            inspected(folder, adapter.resolve())
