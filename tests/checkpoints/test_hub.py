"""A model of a Hub on this machine: resolved to a commit, downloaded without its other files, then offline."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from clika.checkpoints.cards import Source
from clika.checkpoints.hub import snapshot, snapshot_of
from clika.checkpoints.registry import Registry
from clika.errors import UsageError
from clika.scoring.checkpoint import checkpoint_folder
from tests.models import tiny_llama

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_CanaryCanaryCanaryCanary12345"


class Hub(http.server.ThreadingHTTPServer):
    """Serves one folder as grove/larch at one commit, and remembers what it was asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()
        self.cut: str | None = None
        self.cuts = 0


class _Answers(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        self.server.asked.append(self.path)
        self.server.tokens.add(self.headers.get("Authorization"))
        content = None
        if self.path.partition("?")[0] in (
            f"/api/models/grove/larch/revision/{name}" for name in (COMMIT, "v1")
        ):
            siblings = [{"rfilename": name} for name in self.server.files]
            content = json.dumps({"id": "grove/larch", "sha": COMMIT, "siblings": siblings}).encode()
        elif self.path.startswith(f"/api/models/grove/larch/tree/{COMMIT}"):
            listed = [
                {"type": "file", "path": name, "size": len(held), "oid": sha256(held).hexdigest()[:40]}
                for name, held in self.server.files.items()
            ]
            content = json.dumps(listed).encode()
        elif self.path.startswith(f"/grove/larch/resolve/{COMMIT}/"):
            content = self.server.files.get(self.path.rpartition("/")[2])
        name = self.path.rpartition("/")[2]
        self.send_response(404 if content is None else 200)
        content = content or b""
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            whole = name != self.server.cut or self.server.cuts == 0
            self.server.cuts -= not whole
            self.wfile.write(content if whole else content[: len(content) // 2])
            self.close_connection = not whole

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folder = tiny_llama(tmp_path / "larch")
    (folder / "modeling_larch.py").write_text("raise SystemExit")
    (folder / "pytorch_model.bin").write_bytes(b"x")
    with Hub(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def environment_of(hub: Hub, home: Path) -> dict[str, str]:
    """This process's environment, with the Hub here and nothing kept from before."""
    return {
        **{
            name: value
            for name, value in os.environ.items()
            if "OFFLINE" not in name and not name.startswith("HF_")
        },
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(home / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": TOKEN,
        "PYTHONPATH": str(ROOT),
    }


def test_a_hub_model_is_kept_at_its_commit_and_read_offline(hub: Hub, tmp_path: Path) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "-m", "clika", "checkpoints", "add", "grove/larch", "--revision", "v1"]
    done = subprocess.run(
        [*command, "--store", str(store)],
        env=environment_of(hub, tmp_path),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"Bearer {TOKEN}" in hub.tokens  # for the Hub alone
    assert TOKEN not in done.stdout + done.stderr
    (card,) = Registry(store).cards()
    assert (card.source, card.hub_id, card.revision, card.name) == (
        Source.HUB,
        "grove/larch",
        COMMIT,
        "larch",
    )
    folder = Path(card.files)
    assert folder.is_absolute()
    assert folder.name == COMMIT
    downloaded = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= downloaded
    assert not {"modeling_larch.py", "pytorch_model.bin"} & downloaded
    assert snapshot_of(folder) == ("grove/larch", COMMIT)
    before = len(hub.asked)
    assert checkpoint_folder(card.files) == (folder, "grove/larch", COMMIT)  # what a run is named after
    assert len(hub.asked) == before


def test_a_download_that_breaks_off_goes_on_and_keeps_what_came_whole(hub: Hub, tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "clika", "checkpoints", "add", "grove/larch", "--revision", "v1"]

    def add() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*asked, "--store", str(tmp_path / "store")],
            env=environment_of(hub, tmp_path), cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip

    # The connection breaks again and again: nothing is registered, and what came whole stays.
    hub.cut, hub.cuts = "model.safetensors", 1000
    broken = add()
    assert broken.returncode == 1
    assert "files that came whole are kept" in broken.stderr
    assert Registry(tmp_path / "store").cards() == []
    # It breaks once more: that file is asked for again in the same run, and no other.
    hub.cuts, hub.asked = 1, []
    done = add()
    assert done.returncode == 0, done.stderr
    assert hub.cuts == 0
    assert {path.rpartition("/")[2] for path in hub.asked if "/resolve/" in path} == {"model.safetensors"}
    (card,) = Registry(tmp_path / "store").cards()
    assert (Path(card.files) / "model.safetensors").read_bytes() == hub.files["model.safetensors"]


@pytest.mark.parametrize(
    ("name", "revision"), [("../x", None), ("a/b/c", None), ("grove/larch", "../../x"), ("", None)]
)
def test_what_is_no_hub_id_asks_nobody(name: str, revision: str | None) -> None:
    with pytest.raises(UsageError, match=r"Hub id|revision"):
        snapshot(name, revision, None)
