"""No secret and no terminal command gets out, whatever a log contains."""

from __future__ import annotations

import json
import string
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.hiding import HIDDEN, Secrets
from pulumi_dokploy_deployments.api.redact import MASK, SHORTEST_SECRET, Redactor, neutral

SECRETS = st.lists(st.text(string.ascii_letters + string.digits, min_size=9, max_size=40), min_size=1, max_size=4)
NASTY = st.text(st.sampled_from("\x1b\x9b\x9d\x90\x07\x9c\\[]P0;31mc\r\n\x00\x7f\u202e\ud800ab "), max_size=60)


@given(secrets=SECRETS, before=NASTY, between=NASTY, after=NASTY)
def test_no_secret_gets_out(secrets: list[str], before: str, between: str, after: str) -> None:
    line = before + between.join(secrets) + after
    for keep_colours in (False, True):
        shown = Redactor(secrets, keep_colours=keep_colours).line(line)
        plain = Redactor().line(shown)
        assert not [secret for secret in secrets if secret in shown or secret in plain]


@given(NASTY)
def test_what_is_left_is_text_in_one_line(line: str) -> None:
    shown = Redactor().line(line)
    assert all(character.isprintable() or character == "\t" for character in shown)
    assert shown == Redactor().line(shown)
    shown.encode()


@given(NASTY)
def test_with_colours_nothing_else_that_a_terminal_obeys_is_left(line: str) -> None:
    coloured = Redactor(keep_colours=True).line(line)
    assert Redactor().line(coloured) == Redactor().line(line)
    for rest in coloured.split("\x1b")[1:]:
        assert rest.startswith("[")
        assert rest[1:].lstrip("0123456789;:").startswith("m")
    if "\x1b" in coloured:
        assert coloured.endswith("\x1b[0m"), "a colour ends with its line"


@pytest.mark.parametrize(
    "line",
    [
        "build \x1b]0;a title\x07ok",
        "build \x1b]8;;https://evil.example.com\x1b\\ok",
        "build \x9d52;c;YWJj\x9cok",
        "build \x1bcok",
        "build \x1bP1$r q\x1b\\ok",
        "build \x9b2Jok",
        "build \x1b(0ok",
        "build \x1b[?1049hok",
        "build \x00\x08\x7fok",
        "build \u202eok",
        "build \x1b]0;\x1b[31mok",
    ],
    ids=repr,
)
def test_terminal_commands_are_taken_out_whole(line: str) -> None:
    assert Redactor().line(line) == "build ok"


def test_colours_stay_where_they_are_asked_for() -> None:
    line = "\x1b[32mok\x1b[0m \x1b[1;31mfailed\x1b[2K"
    assert Redactor().line(line) == "ok failed"
    assert Redactor(keep_colours=True).line(line) == "\x1b[32mok\x1b[0m \x1b[1;31mfailed\x1b[0m"
    assert Redactor(keep_colours=True).line("\x1b[32mok\x1b[0m") == "\x1b[32mok\x1b[0m"
    assert Redactor(keep_colours=True).line("ok") == "ok"


def test_a_secret_is_found_with_a_colour_in_its_middle_in_a_url_and_in_json() -> None:
    secret = 'p&ss "word"/1'
    redactor = Redactor([secret], keep_colours=True)
    assert redactor.line('login p&ss \x1b[31m"word"/1 ok') == f"login {MASK} ok"
    assert redactor.line(f"https://u:{quote(secret, safe='')}@host") == f"https://u:{MASK}@host"
    assert redactor.line(json.dumps({"key": secret})) == f'{{"key": "{MASK}"}}'


def test_of_two_secrets_the_longer_one_is_masked_whole() -> None:
    assert Redactor(["token", "token-of-mine"]).line("token-of-mine token") == f"{MASK} {MASK}"


def test_each_line_of_a_key_file_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"
    shown = Redactor([key]).text(f"read\n{key}done")
    assert shown == f"read\n{MASK}\n{MASK}\n{MASK}\n{MASK}\ndone"


def test_a_value_too_short_to_be_told_from_other_text_is_left() -> None:
    assert len("on ") < SHORTEST_SECRET
    assert Redactor(["on", "", "  "]).line("turned on") == "turned on"


def test_tabs_and_line_ends_of_a_text_stay() -> None:
    assert neutral("a\tb\nc") == "a\tb\nc"
    assert Redactor().text("a\r\nb\x85c") == "a \nb c"
    assert Redactor().lines(["a\x1bc", "b"]) == ["a", "b"]


@pytest.mark.parametrize("piece", ["\x1b]", "\x1b[", "\x9b1;", "secre", "\x1b", "a\x00"], ids=repr)
def test_a_long_line_takes_time_in_proportion_to_its_length(piece: str) -> None:
    redactor = Redactor(["secret-value", "secret-other"], keep_colours=True)

    def took(times: int) -> float:
        line = piece * times
        began = time.process_time()
        redactor.line(line)
        return time.process_time() - began

    took(1_000)
    # Eight times as long: in proportion it takes eight times as long, quadratic it would be sixty-four times.
    assert took(400_000) < 30 * max(took(50_000), 0.002)


def test_a_secret_of_four_characters_is_found_in_every_form_and_a_shorter_one_where_it_stands_alone() -> None:
    assert Secrets(["a/b+"]).hide("x=a%2Fb%2Bc") == f"x={HIDDEN}c"
    assert Secrets(["a/b"]).hide("x=a%2Fb, a/b, a/bc") == f"x=a%2Fb, {HIDDEN}, a/bc"


def test_messages_and_logs_find_a_secret_in_the_same_forms() -> None:
    secret = 'abc/def+ghi"jklé'
    in_json = [json.dumps(secret, ensure_ascii=is_ascii)[1:-1] for is_ascii in (False, True)]
    for form in (secret, quote(secret, safe=""), *in_json):
        assert Secrets([secret]).hide(f"before {form} after") == f"before {HIDDEN} after"
        assert Redactor([secret]).line(f"before {form} after") == f"before {MASK} after"


def test_a_part_of_a_secret_is_hidden_in_messages_and_not_in_logs() -> None:
    secret = "production database"
    assert Secrets([secret]).hide("the database of production") == f"the {HIDDEN} of {HIDDEN}"
    assert Redactor([secret]).line("the database of production") == "the database of production"
