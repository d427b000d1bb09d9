"""The tuning benchmark runs from end to end on a tiny model and says what it did not measure."""

import json

import pytest
import torch

from benchmarks import tuning

pytestmark = pytest.mark.long


def test_our_losses_are_trainers_and_what_is_not_installed_is_null(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "has_trl", lambda: False)
    threads = torch.get_num_threads()
    tuning.main(
        [
            *("--size", "tiny", "--steps", "2", "--rounds", "1", "--places", "2", "--rank", "4"),
            *("--threads", str(threads)),
        ]
    )
    without, with_dropout = json.loads(capsys.readouterr().out.splitlines()[-1])
    for one in (without, with_dropout):
        # 20 continents of 2 places: (40 + 20) x 10 + 40 x 10 + 20 x 10 = 1,200
        assert one["samples"] == 1200
        assert one["trl_packed"] is None
        assert one["vs_trl"] is None
        assert one["whole_seconds"] is None
        for name in ("ours", "ours_bfloat16", "trainer", "trainer_grouped", "trainer_bfloat16"):
            assert one[name] > 0
        for name in ("vs_trainer", "vs_trainer_bfloat16"):
            assert one[name] > 0
    assert (without["dropout"], without["shared"], without["ours_shared"]) == (0.0, True, None)
    assert (with_dropout["dropout"], with_dropout["shared"]) == (0.1, False)
    assert with_dropout["ours_shared"] > 0
    assert without["loss_difference"] < 1e-4
    # rounding to 8 bits, of losses of ln 2,000 = 7.6 nats
    assert 0 < without["loss_difference_bfloat16"] < 0.05
    assert with_dropout["loss_difference"] is None
    assert with_dropout["loss_difference_bfloat16"] is None
