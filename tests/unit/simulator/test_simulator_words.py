from __future__ import annotations

from local.simulator.words import lyrics, style, sung


def test_lyrics_contain_the_prompt_and_are_reproducible() -> None:
    text = lyrics("rain [fault:slow_task=1]", "a seed")
    assert text == lyrics("rain", "a seed")
    assert (text.count("[Chorus]\nrain\n"), "fault" in text) == (2, False)


def test_a_style_starts_with_the_requested_style() -> None:
    assert style("folk").startswith("folk, ")


def test_timestamped_words_fill_the_song_in_order() -> None:
    words = sung("[Verse 1]\nRain on\n[Chorus] roofs", 6.0)
    assert [(word.word, word.start_s, word.end_s) for word in words] == [("Rain", 0, 2), ("on", 2, 4), ("roofs", 4, 6)]
    assert sung("[Instrumental]", 6.0) == []
