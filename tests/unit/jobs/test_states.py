from suno_jobs.jobs.states import LEGAL, TERMINAL, JobState, Progress, may_become


def test_every_state_has_a_row() -> None:
    assert set(LEGAL) == set(JobState)


def test_i2_no_state_can_be_reached_again() -> None:
    def reachable(state: JobState) -> set[JobState]:
        found = set(LEGAL[state])
        for following in LEGAL[state]:
            found |= reachable(following)
        return found

    for state in JobState:
        assert state not in reachable(state), state


def test_i2_terminal_stays_terminal_unless_the_result_arrives_late() -> None:
    assert {state: LEGAL[state] for state in TERMINAL if LEGAL[state]} == {
        JobState.TIMED_OUT: {JobState.SUCCEEDED, JobState.FAILED},
        JobState.FAILED: {JobState.SUCCEEDED},
    }


def test_i6_every_open_state_can_end() -> None:
    for state in set(JobState) - TERMINAL:
        assert {JobState.FAILED, JobState.TIMED_OUT, JobState.CANCELLED} <= LEGAL[state]


def test_i4_success_follows_storing_or_a_late_result() -> None:
    assert may_become(JobState.SUCCEEDED) == {JobState.STORING, JobState.TIMED_OUT, JobState.FAILED}


def test_progress_is_ranked_in_the_order_of_the_stages() -> None:
    assert [stage.rank for stage in (Progress.QUEUED, Progress.TEXT, Progress.FIRST, Progress.COMPLETE)] == [0, 1, 2, 3]
