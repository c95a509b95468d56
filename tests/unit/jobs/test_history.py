from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.errors import ErrorCode
from suno_jobs.jobs.history import Entry, Wait
from suno_jobs.jobs.states import Cause, JobState, WaitReason


@given(
    st.builds(
        Entry,
        st.integers(0, 2**40),
        st.sampled_from(JobState),
        st.sampled_from(Cause),
        st.integers(0, 9999),
        st.sampled_from(["ttapi", "crun"]),
        st.none() | st.sampled_from(ErrorCode),
        st.none() | st.builds(Wait, st.sampled_from(WaitReason), st.integers(0, 2**40)),
    )
)
def test_a_history_line_can_be_read_back(entry: Entry) -> None:
    assert Entry.read(entry.line()) == entry
