"""When a process counts as ended."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from clika.jobs.processes import Process
from tests.jobs.looking import waited_until

# The first thread ends, the second goes on: the kernel shows a zombie whose files are still open.
FIRST_THREAD_ENDS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="threads are counted in /proc: Linux alone has it"
)
def test_a_process_lives_until_its_last_thread_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", FIRST_THREAD_ENDS])
    process = Process.of(psutil.Process(child.pid))
    try:
        waited_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        assert process.alive
        os.kill(child.pid, signal.SIGKILL)
        waited_until(lambda: not process.alive)
        assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE  # nobody has asked how it ended
    finally:
        child.kill()
        child.wait()
    assert not process.alive
