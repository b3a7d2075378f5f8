"""What a run leaves in a CI's pages: a summary on GitHub, a collapsed section on GitLab, nothing where it is off."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_dokploy_deployments.cli.ci import CiOutput, RunSummary, markdown_of

GOOD = RunSummary(
    service="shop",
    outcome="done",
    succeeded=True,
    facts=[("title", "fix: a | b"), ("commit", "a9b66a0353"), ("version", "")],
    closing="healthy: shop (2 tasks of shop:1.5.0) stayed up for 5 s · 14 s",
    link="https://d.example.com/dashboard/x",
)


def test_a_good_run_is_a_heading_what_was_proven_and_a_table() -> None:
    assert markdown_of(GOOD).splitlines() == [
        "### ✅ shop: done",
        "",
        r"healthy: shop \(2 tasks of shop:1.5.0\) stayed up for 5 s · 14 s",
        "",
        "| | |",
        "| --- | --- |",
        r"| title | fix: a \| b |",
        "| commit | a9b66a0353 |",
        "",
        "[The service in Dokploy](https://d.example.com/dashboard/x)",
        "",
    ]


def test_a_failure_has_its_log_in_a_block_of_its_own() -> None:
    message = "It failed. The build log ends with:\n    ~~~~~~~~\n    # not a heading\nFix it."
    lines = markdown_of(RunSummary("shop", "failed", succeeded=False, message=message)).splitlines()
    assert lines[0] == "### ❌ shop: failed"
    assert lines[2] == "It failed. The build log ends with:"
    begin, end = (index for index, line in enumerate(lines) if line == "~~~~~~~~")
    assert lines[begin + 1 : end] == ["    ~~~~~~~", "    # not a heading", "Fix it."]


@pytest.mark.parametrize("title", ["<script>", "[x](https://evil.example.com)", "a\n# b", "`x`", "![x](y)", "| a |"])
def test_nothing_that_comes_from_elsewhere_is_taken_for_markup(title: str) -> None:
    told = markdown_of(RunSummary(title, "done", succeeded=True, facts=[("title", title)]))
    heading, *_, row, _ = [line for line in told.split("\n") if line] + [""]
    for line in (heading.removeprefix("### "), row.removeprefix("| title | ").removesuffix(" |")):
        for character in "<[`|!#":
            assert line.count(character) == line.count(f"\\{character}")


def test_the_summary_is_added_to_what_other_steps_wrote(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    assert CiOutput.of({"GITHUB_STEP_SUMMARY": str(file)}).summarise(GOOD) == ""
    assert file.read_text() == f"before\n{markdown_of(GOOD)}"


def test_a_summary_that_can_not_be_written_is_a_warning(tmp_path: Path) -> None:
    problem = CiOutput.of({"GITHUB_STEP_SUMMARY": str(tmp_path / "none" / "summary.md")}).summarise(GOOD)
    assert problem == "The job summary could not be written: No such file or directory."


def test_on_gitlab_the_log_is_a_collapsed_section_also_when_it_fails() -> None:
    written: list[str] = []
    times = iter([1000.9, 1014.2])

    def fail() -> None:
        with CiOutput.of({"GITLAB_CI": "true"}).section("Deployment of shop", written.append, lambda: next(times)):
            written.append("Step 1/3\n")
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert written == [
        "section_start:1000:dokploy_deployment[collapsed=true]\r\x1b[0KDeployment of shop\n",
        "Step 1/3\n",
        "section_end:1014:dokploy_deployment\r\x1b[0K\n",
    ]


@pytest.mark.parametrize("value", ["off", "OFF", " off "])
def test_one_variable_switches_all_of_it_off(value: str, tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    there = {"GITHUB_STEP_SUMMARY": str(file), "GITLAB_CI": "true"}
    assert CiOutput.of(there) == CiOutput(file, has_sections=True)
    assert CiOutput.of({**there, "DOKPLOY_CI_OUTPUT": value}) == CiOutput()
    assert CiOutput.of({}) == CiOutput()


def test_without_a_ci_nothing_is_written() -> None:
    written: list[str] = []
    with CiOutput().section("x", written.append, lambda: 0.0):
        written.append("line")
    assert (written, CiOutput().summarise(GOOD)) == (["line"], "")
