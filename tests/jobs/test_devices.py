"""Which devices a job gets, and what happens where they are taken or not there."""

import pytest

from clika.errors import JobError, UsageError
from clika.jobs.devices import devices_here, placement
from tests.scripted_worker import scripted_job

EIGHT = (*(f"cuda:{n}" for n in range(8)), "cpu")


def test_each_replica_gets_gpus_of_its_own() -> None:
    placed = placement(scripted_job(device="cuda", replicas=2, gpus_per_replica=3), EIGHT, {"cuda:1"})
    assert placed is not None
    assert placed.replicas == (("cuda:0", "cuda:2", "cuda:3"), ("cuda:4", "cuda:5", "cuda:6"))


def test_a_job_waits_for_devices_that_another_has() -> None:
    assert placement(scripted_job(device="auto", replicas=4), EIGHT, EIGHT[:5]) is None
    assert placement(scripted_job(device="cpu"), EIGHT, {"cpu"}) is None


def test_a_job_that_this_machine_never_can_run_is_told_so() -> None:
    with pytest.raises(JobError, match="need 9 and this machine has 8; resume with fewer"):
        placement(scripted_job(device="cuda", replicas=3, gpus_per_replica=3), EIGHT, ())
    with pytest.raises(UsageError, match="device 'mps' and this machine has"):
        placement(scripted_job(device="mps"), EIGHT, ())


def test_auto_takes_the_cpu_where_there_is_no_gpu_and_replicas_share_it() -> None:
    placed = placement(scripted_job(device="auto", replicas=3), ("cpu",), ())
    assert placed is not None
    assert (placed.replicas, placed.devices) == ((("cpu",),) * 3, ("cpu",))


def test_jobs_that_say_how_many_cores_they_take_run_side_by_side() -> None:
    job = scripted_job(device="cpu", replicas=2, cores=2)
    placed = placement(job, EIGHT, {"core:1"}, cores=5)
    assert placed is not None
    assert placed.replicas == (("core:0", "core:2"), ("core:3", "core:4"))
    assert placement(job, EIGHT, placed.devices, cores=7) is None
    assert placement(job, EIGHT, {"cpu"}, cores=8) is None
    assert placement(scripted_job(device="cpu"), EIGHT, {"core:4"}, cores=8) is None


def test_a_job_that_wants_more_cores_than_there_are_takes_them_all() -> None:
    job = scripted_job(device="auto", replicas=2, cores=2)
    placed = placement(job, ("cpu",), (), cores=3)
    assert placed is not None
    assert placed.replicas == (("core:0", "core:1", "core:2"),) * 2
    assert placement(job, ("cpu",), {"core:2"}, cores=3) is None


@pytest.mark.parametrize(
    ("visible", "found"), [("", ()), ("-1", ()), ("2,5", ("cuda:2", "cuda:5")), ("GPU-a1", ("cuda:GPU-a1",))]
)
def test_only_the_gpus_that_this_program_may_see_count(visible: str, found: tuple[str, ...]) -> None:
    here = devices_here({"CUDA_VISIBLE_DEVICES": visible})
    assert tuple(name for name in here if name.startswith("cuda")) == found
    assert here[-1] == "cpu"
