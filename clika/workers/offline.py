"""The one thing a worker asks the network for: its model of the Hub. After that it has no token and asks for nothing."""

from pathlib import Path

from clika.checkpoints.unregistered import check_unregistered
from clika.settings import Settings


def fetched(model: str) -> None:
    """Download a Hub id that is no folder here, then drop every token and go offline.

    Raises ModelError where it cannot be fetched, CheckpointRefusedError where its files are refused.
    """
    if not Path(model).is_dir():
        from huggingface_hub import constants

        from clika.scoring.checkpoint import checkpoint_folder

        folder, _, _ = checkpoint_folder(model)
        check_unregistered(folder)
        constants.HF_HUB_OFFLINE = True  # read from the environment when it was imported
    Settings.forget_tokens()
