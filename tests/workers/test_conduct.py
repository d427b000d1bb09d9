"""A conductivity job from the command line to a stored XRR, with a real model made here."""

import json
import os
import subprocess
import sys
from pathlib import Path

from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.folder import job_folders
from clika.jobs.learning_curve import learning_curve
from tests.models import tiny_llama

SMALL_WORLD = ("--continents", "2", "--places", "2")


def clika(store: Path, *arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "clika", *arguments],
        env={**os.environ, "CLIKA_STORE": str(store), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def test_a_model_is_taught_measured_on_the_way_and_its_xrr_is_stored(tmp_path: Path) -> None:
    model, store = tiny_llama(tmp_path / "tiny"), tmp_path / "store"
    command = ("conductivity", "--model", str(model), "--languages", "de", *SMALL_WORLD, "--epochs", "1")
    command = (*command, "--rank", "4", "--looks", "1", "--device", "cpu")
    # 2 continents and 4 places: (4 + 2) x 10 + 4 x 10 + 2 x 10 = 120 samples, 4 steps of 32 at most
    said = clika(store, *command, "--dry-run")
    assert "= 120 samples; 4 steps of 32" in said
    assert not (store / "jobs").exists()
    said = clika(store, *command)
    assert "XRR in de" in said
    assert "not established" in said  # one epoch teaches a random model nothing
    (folder,) = job_folders(store)
    job = folder.job()
    assert isinstance(job, ConductivityJob)
    assert [point.step for point in learning_curve(folder.path)] == [1, 2, 3, 4]
    assert sorted(path.name for path in (folder.path / "measures").iterdir()) == [
        "000000",
        "000002",
        "000004",
    ]
    assert (folder.path / "tuning/tuned/adapter_model.safetensors").exists()
    rows = json.loads(clika(store, "scores", "--metric", "xrr", "--format", "json"))
    (german,) = [row for row in rows if row["language"] == "de"]
    assert german["established"] is False
    assert german["failed_gates"]
    end = folder.done()
    assert end is not None
    assert german["run"] == end.run
    again = clika(store, *command)  # nothing is learnt or asked again
    assert "XRR in de" in again
    assert "steps; 0" not in again
    assert "0 are not" in clika(store, "verify")

    # What it made can be registered by the job's id, on the model that it was made of.
    adding = ("checkpoints", "add", folder.path.name, "--job")
    assert "no checkpoint of this store; add that first" in clika(store, *adding, status=2)
    clika(store, "checkpoints", "add", str(model), "--name", "base")
    assert "LoRA of LlamaForCausalLM" in clika(store, *adding, "--name", "taught")
    assert "taught  adapter on base-" in clika(store, "checkpoints", "list")


def test_english_and_a_world_beside_a_folder_are_refused_with_status_2(tmp_path: Path) -> None:
    store = tmp_path / "store"
    said = clika(store, "conductivity", "--model", "m", "--languages", "en", "--dry-run", status=2)
    assert "asked in another language" in said
    arguments = ("--model", "m", "--languages", "de", "--data", str(tmp_path), "--places", "5", "--dry-run")
    assert "--data brings a world of its own" in clika(store, "conductivity", *arguments, status=2)
