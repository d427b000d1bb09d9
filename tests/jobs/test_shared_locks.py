"""File systems on which workers cannot be kept apart are told from those on which they can."""

from pathlib import Path

import pytest

from clika.jobs.shared_locks import check_locks, locks_kept_here

MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
server:/home /home nfs4 rw,vers=4.2,local_lock=none,addr=10.0.0.1 0 0
server:/old /home/old nfs rw,vers=3,nolock,local_lock=all 0 0
server:/half /half nfs rw,vers=3,local_lock=flock 0 0
mgs@tcp:/fs /scratch lustre rw,flock,lazystatfs 0 0
mgs@tcp:/fs /fast lustre rw,localflock 0 0
//server/share /win cifs rw,nobrl 0 0
me@host: /home/me/far fuse.sshfs rw,user_id=0 0 0
server:/odd /with\\040blank nfs rw,nolock 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kept"),
    [
        ("/var/store", None),
        ("/home/me/store", None),
        ("/home/oldest/store", None),
        ("/home/old/store", "nfs mounted with local_lock=all"),
        ("/half/store", "nfs mounted with local_lock=flock"),
        ("/scratch/store", None),
        ("/fast/store", "lustre mounted with localflock"),
        ("/win", "cifs mounted with nobrl"),
        ("/home/me/far/store", "fuse.sshfs"),
        ("/with blank/store", "nfs mounted with nolock"),
    ],
)
def test_locks_that_other_machines_do_not_see_are_found_by_the_mount(folder: str, kept: str | None) -> None:
    assert locks_kept_here(MOUNTS, Path(folder)) == kept


def test_a_folder_of_this_machine_has_locks_and_its_probe_disturbs_nobody(tmp_path: Path) -> None:
    check_locks(tmp_path, shared=True)
    check_locks(tmp_path, shared=False)
    assert [path.name for path in tmp_path.iterdir()] == ["LOCKS.probe"]
