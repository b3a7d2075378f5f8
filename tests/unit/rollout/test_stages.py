"""Log text to lines, lines to stages: however the text was cut, and over the recorded logs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.log_lines import LineSplitter
from pulumi_dokploy_deployments.rollout.stages import StageReader, clean_line, stage_of, tail_of
from pulumi_dokploy_deployments.waiting.progress import Stage
from tests.support.builders import transcript

TEXTS = st.text(st.sampled_from("ab \r\n\x1b[31m✅é"), max_size=60)


def _assembled(pieces: list[str]) -> list[str]:
    splitter = LineSplitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    return [clean_line(line) for line in lines + splitter.flush()]


def _cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({min(place, len(text)) for place in places} | {0, len(text)})
    return [text[start:end] for start, end in itertools.pairwise(ends)]


@given(TEXTS, st.lists(st.integers(0, 60)))
def test_any_cutting_of_a_text_gives_the_same_lines(text: str, places: list[int]) -> None:
    assert _assembled(_cut(text, places)) == _assembled([text])


@given(TEXTS)
def test_lines_show_no_control_characters_and_no_trailing_space(text: str) -> None:
    for line in _assembled([text]):
        assert "\n" not in line
        assert "\r" not in line
        assert line == line.rstrip()


def test_progress_that_overwrites_itself_becomes_its_last_state() -> None:
    assert clean_line("Receiving objects:  33% (1/3)\rReceiving objects: 100% (3/3), done.") == (
        "Receiving objects: 100% (3/3), done."
    )
    assert clean_line("Sending build context to Docker daemon   59.9kB\r\r") == (
        "Sending build context to Docker daemon   59.9kB"
    )


def test_colours_are_dropped() -> None:
    assert clean_line("\x1b[1;32m✔ built\x1b[0m in 3 s\x1b[K") == "✔ built in 3 s"


def _log(name: str) -> str:
    view = transcript(name)
    if "ws" in view:
        return "".join(event["data"] for event in view["ws"]["events"] if "data" in event)
    return str(view["response"]["body"])


def _stages(log: str) -> tuple[list[Stage], StageReader]:
    reader = StageReader()
    found = [stage for stage in map(reader.read, _assembled([log])) if stage is not None]
    return found, reader


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("300-ws-live-log-git", [Stage.STARTING, Stage.CLONE, Stage.BUILD, Stage.UPDATE]),
        ("312-ws-live-log-docker", [Stage.STARTING, Stage.PULL, Stage.UPDATE]),
        ("314-ws-live-log-new-image", [Stage.STARTING, Stage.PULL, Stage.UPDATE]),
        ("331-deploy-v1", [Stage.STARTING, Stage.CLONE, Stage.BUILD, Stage.UPDATE, Stage.PUSH, Stage.UPDATE]),
        ("32-deployment-readLogs", [Stage.STARTING, Stage.CLONE, Stage.BUILD, Stage.UPDATE]),
        ("49-readLogs-running", [Stage.STARTING, Stage.CLONE, Stage.BUILD]),
        ("52-readLogs-compose", [Stage.STARTING, Stage.BUILD, Stage.UPDATE]),
        ("299-ws-live-log-clone-failed", [Stage.STARTING, Stage.CLONE, Stage.FAILED]),
        ("155-readLogs-bad-image", [Stage.STARTING, Stage.PULL, Stage.FAILED]),
        ("172-readLogs-compose-broken", [Stage.STARTING, Stage.BUILD, Stage.FAILED]),
    ],
)
def test_recorded_logs_go_through_their_stages(name: str, stages: list[Stage]) -> None:
    assert _stages(_log(name))[0] == stages


@pytest.mark.parametrize(
    ("name", "reached"),
    [
        ("299-ws-live-log-clone-failed", Stage.CLONE),
        ("172-readLogs-compose-broken", Stage.BUILD),
        ("155-readLogs-bad-image", Stage.PULL),
    ],
)
def test_a_failed_run_knows_how_far_it_came(name: str, reached: Stage) -> None:
    reader = _stages(_log(name))[1]
    assert (reader.stage, reader.reached) == (Stage.FAILED, reached)


@given(st.text(max_size=40))
def test_what_a_program_prints_while_it_is_built_is_hardly_ever_a_stage(line: str) -> None:
    assert stage_of(f"building-ok {line}") is None


def test_a_tick_before_the_work_does_not_end_a_stage() -> None:
    assert stage_of("Cloning Repo Custom http://127.0.0.1/demo.git to /etc/dokploy/code: ✅") is Stage.CLONE


def test_a_stack_is_deployed_in_the_same_stage_as_a_compose() -> None:
    assert stage_of("║ Command: docker stack deploy -c docker-compose.yml shop-x1 --prune ║") is Stage.BUILD


def test_the_tail_is_made_of_the_last_lines_that_say_something() -> None:
    assert tail_of("one\n\n  \ntwo\rthree\n\nfour\n\n", 2) == ["three", "four"]
    assert tail_of("", 5) == []
    assert tail_of("\n", 5) == []
    assert tail_of(_log("36-readLogs-broken"), 1) == ["Error occurred ❌, check the logs for details."]
