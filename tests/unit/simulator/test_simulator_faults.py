from __future__ import annotations

import pytest

from local.simulator.faults import (
    EVERY,
    FAULTS,
    UnknownFault,
    draw,
    fault_help,
    marked_faults,
    parse_faults,
    strikes,
    without_markers,
)


def test_markers_are_found_anywhere_in_a_text_and_removed() -> None:
    text = "A song [fault:slow_task=2.5] about rain [fault:lost_callback]"
    assert marked_faults(text) == {"slow_task": 2.5, "lost_callback": EVERY}
    assert without_markers("rain [fault:lost_callback]") == "rain"


def test_section_markers_in_lyrics_are_not_faults() -> None:
    assert marked_faults("[Verse]\nla la [Chorus: fault]") == {}


@pytest.mark.parametrize("text", ["", "no_such_fault", "slow_task=soon", "slow_task=-1", "slow_task=1e9", "slow_task = 3"])
def test_an_invalid_fault_is_refused(text: str) -> None:
    with pytest.raises(UnknownFault):
        parse_faults([text])


def test_a_misspelt_marker_is_refused() -> None:
    with pytest.raises(UnknownFault, match="lost_calback"):
        marked_faults("la [fault:lost_calback]")


def test_a_fault_with_a_number_affects_only_the_first_attempts() -> None:
    faults = parse_faults(["rate_limited=2"])
    assert [strikes(faults, "rate_limited", attempt) for attempt in (1, 2, 3)] == [True, True, False]
    assert not strikes(faults, "html_audio", 1)


def test_a_seed_always_draws_the_same_faults_and_different_ones_for_each_order() -> None:
    drawn = [draw(7, "crun", number) for number in range(600)]
    assert drawn == [draw(7, "crun", number) for number in range(600)]
    assert drawn != [draw(8, "crun", number) for number in range(600)]
    assert {name for faults in drawn for name in faults} == set(FAULTS)
    assert 0.3 < sum(not faults for faults in drawn) / len(drawn) < 0.5


def test_help_has_a_line_for_every_fault() -> None:
    lines = fault_help().splitlines()
    assert [line.split()[0] for line in lines] == list(FAULTS)
