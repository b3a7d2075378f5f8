"""One partial update holds what differs, and can be taken back to the letter without undoing anybody else's edits."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from pulumi_dokploy_deployments.api.models import Service, ServiceKind, ServiceStatus, SourceType
from pulumi_dokploy_deployments.settings.change import Current, SettingsChange, change_of, way_back
from pulumi_dokploy_deployments.settings.env_text import variables_of
from pulumi_dokploy_deployments.settings.wanted import SettingRefused, Wanted
from tests.unit.settings.test_env_text import TEXTS, VALUES


def current(text: str | None = None, **more: object) -> Current:
    base = {"service_id": "s1", "name": "shop", "app_name": "shop-x1", "status": ServiceStatus.DONE}
    what = {"kind": ServiceKind.APPLICATION, "source_type": SourceType.DOCKER, "docker_image": "shop:1"}
    service = Service.model_validate({**base, **what, **more})
    return Current(service, SecretStr(text) if text is not None else None)


def after(now: Current, columns: dict[str, str]) -> Current:
    """What the service is set to once the update has been made."""
    image = columns.get("dockerImage", now.service.docker_image)
    service = now.service.model_copy(update={"docker_image": image})
    text = columns.get("env", now.column("env"))
    return Current(service, SecretStr(text) if now.env_text is not None else None)


def test_image_and_variables_go_in_one_update_and_only_what_differs() -> None:
    change = change_of(current("A=1\nTAG=1 # x\n"), Wanted(image="shop:2", env={"TAG": "2", "A": "1"}))
    assert change.after == {"dockerImage": "shop:2", "env": "A=1\nTAG=2 # x\n"}
    assert (change.changed, change.added) == (("TAG",), ())
    assert change.told == "image shop:1 → shop:2, variable TAG"


def test_nothing_is_sent_where_the_service_is_set_so_already() -> None:
    change = change_of(current("TAG=1"), Wanted(image="shop:1", env={"TAG": "1"}))
    assert not change
    assert change.told == ""


@pytest.mark.parametrize(
    ("source", "column"),
    [("git", "customGitBranch"), ("github", "branch"), ("gitlab", "gitlabBranch"), ("gitea", "giteaBranch")],
)
def test_each_provider_s_branch_has_its_own_column(source: str, column: str) -> None:
    change = change_of(current(source_type=source, git_ref="main"), Wanted(git_ref="v2"))
    assert (change.after, change.before) == ({column: "v2"}, {column: "main"})
    assert change.told == "git ref main → v2"


def test_a_database_is_set_to_its_image() -> None:
    now = current(kind=ServiceKind.POSTGRES, source_type=None, docker_image="postgres:16")
    assert change_of(now, Wanted(image="postgres:17")).after == {"dockerImage": "postgres:17"}


def test_the_wrong_source_is_refused() -> None:
    with pytest.raises(SettingRefused, match="is built from git"):
        change_of(current(source_type="git"), Wanted(image="a:1"))


def test_neither_values_nor_texts_show_in_a_representation() -> None:
    change = change_of(current("OTHER=hunter2\n"), Wanted(env={"PASSWORD": "swordfish"}))
    shown = f"{change!r} {change} {change.told} {current('OTHER=hunter2')!r} {change.wanted!r}"
    assert "hunter2" not in shown
    assert "swordfish" not in shown


@given(TEXTS, VALUES, VALUES)
def test_a_change_is_taken_back_to_the_letter(text: str, tag: str, new: str) -> None:
    now = current(text)
    try:
        change = change_of(now, Wanted(image="shop:2", env={"TAG": tag, "NEW": new}))
    except SettingRefused:
        assume(False)
    columns, left = way_back(after(now, dict(change.after)), change)
    back = after(after(now, dict(change.after)), columns)
    assert (back.image, back.column("env"), left) == ("shop:1", text, ())


@given(st.sampled_from(["A=1\n", "# only this\n", "", "A=1"]))
def test_what_someone_else_has_edited_meanwhile_stays(text: str) -> None:
    now = current(f"TAG=1\n{text}")
    change = change_of(now, Wanted(env={"TAG": "2", "NEW": "n"}))
    edited = Current(now.service, SecretStr(change.after["env"] + "\nTHEIRS=x\n"))
    columns, _ = way_back(edited, change)
    found = variables_of(columns["env"])
    assert found == {**variables_of(f"TAG=1\n{text}"), "THEIRS": "x"}


def test_a_variable_that_someone_else_has_set_meanwhile_keeps_their_value() -> None:
    change = change_of(current("TAG=1\n"), Wanted(env={"TAG": "2"}))
    assert way_back(current("TAG=3\nA=1\n"), change) == ({}, ("another value of TAG",))
    assert way_back(current("A=1\n"), change) == ({}, ("another value of TAG",)), "they have taken it out"
    assert way_back(current("TAG=1\nA=1\n"), change) == ({}, ()), "put back already"


def test_of_several_variables_only_those_that_still_have_our_value_are_taken_back() -> None:
    change = change_of(current("TAG=1\nMODE=a\n"), Wanted(env={"TAG": "2", "MODE": "b", "NEW": "n"}))
    columns, left = way_back(current("TAG=2\nMODE=c\nNEW=n\n"), change)
    assert (variables_of(columns["env"]), left) == ({"TAG": "1", "MODE": "c"}, ("another value of MODE",))


@pytest.mark.parametrize(
    ("before", "edited", "after", "left"),
    [
        ('TAG="x\'"\nMODE=a\n', "A='\nTAG=2\nMODE=b\nNEW=n\n", "A='\nTAG=2\nMODE=a\n", ("TAG",)),
        ("TAG=1\nMODE=a\n", "TAG=2\nMODE=b\nexport NEW=n\n", "TAG=1\nMODE=a\nexport NEW=n\n", ("NEW",)),
    ],
    ids=["a quote that somebody has left open", "a line that has become somebody's own"],
)
def test_what_an_edited_environment_does_not_let_go_is_told_and_the_rest_is_put_back(
    before: str, edited: str, after: str, left: tuple[str, ...]
) -> None:
    change = change_of(current(before), Wanted(env={"TAG": "2", "MODE": "b", "NEW": "n"}))
    columns, told = way_back(current(edited), change)
    assert columns == {"env": after}
    assert told == tuple(f"an environment in which {name} can't be put back" for name in left)


@pytest.mark.parametrize(("before", "now"), [("1", "2"), ("2", "1")])
def test_in_an_edited_environment_a_value_is_put_back_whichever_is_the_greater(before: str, now: str) -> None:
    change = change_of(current(f"TAG={before}\n"), Wanted(env={"TAG": now}))
    assert way_back(current(f"TAG={now}\nA=1\n"), change) == ({"env": f"TAG={before}\nA=1\n"}, ())


def test_in_an_edited_environment_every_variable_is_put_back_whatever_stands_before_it() -> None:
    wanted = {"THEIRS": "t", "NEW": "n", "TAG": "2", "MORE": "m"}
    change = change_of(current("TAG=1\nTHEIRS=a\n"), Wanted(env=wanted))
    columns, left = way_back(current("TAG=2\nTHEIRS=b\nNEW=n\nMORE=m\nA=1\n"), change)
    assert (columns, left) == ({"env": "TAG=1\nTHEIRS=b\nA=1\n"}, ("another value of THEIRS",))


def test_an_image_that_someone_else_has_set_meanwhile_is_left_and_told() -> None:
    change = change_of(current(), Wanted(image="shop:2"))
    assert way_back(current(docker_image="shop:3"), change) == ({}, ("shop:3",))
    assert way_back(current(docker_image="shop:1"), change) == ({}, ()), "put back already"


@pytest.mark.parametrize(("source", "column"), [("git", "customGitBranch"), ("gitlab", "gitlabBranch")])
def test_a_branch_that_someone_else_has_set_meanwhile_is_left_and_told(source: str, column: str) -> None:
    change = change_of(current(source_type=source, git_ref="main"), Wanted(git_ref="v2"))
    assert way_back(current(source_type=source, git_ref="v2"), change) == ({column: "main"}, ())
    assert way_back(current(source_type=source, git_ref="v3"), change) == ({}, ("v3",))


def test_an_empty_change_has_no_way_back() -> None:
    assert way_back(current(), SettingsChange(Wanted())) == ({}, ())


def test_what_is_not_named_is_not_told_to_change() -> None:
    change = change_of(current("TAG=1\n"), Wanted(env={"TAG": "2"}))
    assert change.told == "variable TAG"
    assert change_of(current("TAG=1\n"), Wanted(env={"TAG": "2", "A": "1"})).told == "variables TAG, A"
    assert "git ref" not in change_of(current(), Wanted(image="shop:2")).told
    on_main = current("TAG=1\n", source_type="git", git_ref="main")
    assert change_of(on_main, Wanted(git_ref="main", env={"TAG": "2"})).told == "variable TAG"
    assert change_of(current("TAG=1\n"), Wanted(image="shop:1", env={"TAG": "2"})).told == "variable TAG"


def test_what_can_not_be_written_is_a_sentence() -> None:
    with pytest.raises(SettingRefused) as caught:
        change_of(current(), Wanted(env={"A B": "1"}))
    assert str(caught.value).startswith("'A B' is not a name of a variable")
