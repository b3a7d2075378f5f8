"""Only Dokploy's own words count as Dokploy's: whatever comes, nothing of somebody else's is taken for an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.answers import (
    Answer,
    error_of,
    not_what_was_asked,
    read_answer,
    reading_of,
    wrong_shape,
)
from pulumi_dokploy_deployments.api.asked import Asked
from pulumi_dokploy_deployments.api.errors import (
    AccessDenied,
    AnswerTooLarge,
    ApiError,
    InvalidRequest,
    MissingEndpoint,
    NotFound,
    RateLimited,
    ServerError,
    SomethingInFront,
    Step,
    Unauthorized,
)
from pulumi_dokploy_deployments.api.hiding import Secrets
from pulumi_dokploy_deployments.api.who_answered import STATUS_OF_CODE, Speaker, describe, who_answered

ASKED = Asked("application.one", "https://dokploy.example.com", sent=frozenset({"applicationId"}))
WORKED = Asked("application.one", "https://dokploy.example.com", has_worked=True)


def read(status: int, body: Any, kind: str = "application/json", asked: Asked = ASKED) -> ApiError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(status, {"content-type": kind} if kind else {}, content)
    error = error_of(reading_of(answer, asked), answer, asked)
    assert error is not None
    return error


def coded(status: int, code: str, message: str = "Application not found", **data: Any) -> dict[str, Any]:
    return {"message": message, "code": code, "data": {"code": code, "httpStatus": status, "zodError": None, **data}}


# --- Dokploy's own words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "expected"),
    [
        (401, {"message": "Unauthorized"}, "application/json; charset=utf-8", Unauthorized),  # transcript 60
        (401, coded(401, "UNAUTHORIZED", "You don't have access"), "application/json", AccessDenied),  # 102
        (404, coded(404, "NOT_FOUND", path="application.one"), "application/json", NotFound),  # 67
        (404, coded(404, "NOT_FOUND", "Not found"), "application/json", MissingEndpoint),  # 62, 621, 622, 629
        (400, coded(400, "BAD_REQUEST", "Input validation failed"), "application/json", InvalidRequest),  # 74
        (400, b"Invalid JSON", "", InvalidRequest),  # 77
        (400, b"Invalid JSON", "text/plain; charset=utf-8", InvalidRequest),
        (413, b"Body exceeded 1mb limit", "", InvalidRequest),  # 412
        (415, coded(415, "UNSUPPORTED_MEDIA_TYPE", "Missing content-type"), "application/json", InvalidRequest),  # 413
        (500, coded(500, "INTERNAL_SERVER_ERROR", "Internal server error"), "application/json", ServerError),  # 212
        (404, {"error": {"json": {**coded(404, "NOT_FOUND"), "code": -32004}}}, "application/json", NotFound),  # 415
        (499, coded(499, "CLIENT_CLOSED_REQUEST", "?"), "application/json", InvalidRequest),
        (429, coded(429, "TOO_MANY_REQUESTS", "slow"), "application/json", RateLimited),
        (418, coded(418, "A_NEWER_CODE", "?"), "application/json", InvalidRequest),
    ],
)
def test_what_dokploy_says_itself_is_meant(status: int, body: Any, kind: str, expected: type[ApiError]) -> None:
    assert type(read(status, body, kind)) is expected


@pytest.mark.parametrize(
    ("operation", "missing"),
    [("application.deploy", "the service"), ("docker.getConfig", "Docker")],
)
def test_who_may_not_is_told_which_access_is_missing(operation: str, missing: str) -> None:
    asked = Asked(operation, "https://dokploy.example.com")
    refused = read(403, coded(403, "FORBIDDEN", "You don't have access"), asked=asked)
    assert f"access to {missing} in".lower() in str(refused).lower()


def test_a_reading_shows_nothing_of_the_body_which_may_hold_secrets() -> None:
    reading = who_answered(200, "application/json", b'{"env": "PASSWORD=s3cret"}', may_be_empty=False)
    assert reading.body == {"env": "PASSWORD=s3cret"}
    assert "s3cret" not in repr(reading)
    refused = coded(500, "INTERNAL_SERVER_ERROR", "insert into env values ('s3cret')")
    told = who_answered(500, "application/json", json.dumps(refused).encode(), may_be_empty=False)
    assert "s3cret" in told.message
    assert "s3cret" not in repr(told)


@pytest.mark.parametrize("status", [200, 201, 299])
def test_every_status_of_a_success_carries_data(status: int) -> None:
    assert who_answered(status, "application/json", b"[]", may_be_empty=False).speaker is Speaker.DATA


def test_what_dokploy_says_itself_is_told_from_all_else() -> None:
    for status, body in ((200, []), (401, {"message": "Unauthorized"}), (404, coded(404, "NOT_FOUND"))):
        assert who_answered(status, "application/json", json.dumps(body).encode(), may_be_empty=False).is_dokploy


def test_of_an_answer_without_end_only_a_success_is_told_as_too_large() -> None:
    for status, kind in ((200, AnswerTooLarge), (299, AnswerTooLarge), (300, SomethingInFront), (502, ServerError)):
        answer = Answer(status, {"content-type": "text/html"}, b"<html>", too_large=64)
        assert type(error_of(reading_of(answer, ASKED), answer, ASKED)) is kind


def test_what_is_no_success_carries_no_data() -> None:
    for status in (199, 300):
        assert not who_answered(status, "application/json", b"[]", may_be_empty=False).is_dokploy


def test_an_answer_of_another_shape_was_a_success_nonetheless() -> None:
    error = wrong_shape(ASKED, "deploymentId is missing")
    assert (error.status, error.step) == (200, Step.UPDATE_PACKAGE)
    assert "(deploymentId is missing)" in str(error)


def test_of_an_endless_content_type_the_first_two_hundred_characters_are_told() -> None:
    told = str(read(200, b"?", "text/" + "x" * 300))
    assert "text/" + "x" * 195 in told
    assert "text/" + "x" * 196 not in told


def test_a_missing_endpoint_is_no_missing_thing() -> None:
    assert not issubclass(MissingEndpoint, NotFound)
    assert not read(404, coded(404, "NOT_FOUND", "Not found")).is_transient
    # A thing whose text happens to be the same still names the path that was called.
    assert type(read(404, coded(404, "NOT_FOUND", "Not found", path="x.y"))) is NotFound


def test_a_missing_thing_names_the_input_that_it_was_asked_by() -> None:
    assert read(404, coded(404, "NOT_FOUND")).property_name == "application_id"
    assert read(404, coded(404, "NOT_FOUND", "Server not found")).property_name is None


# --- everybody else's ----------------------------------------------------------------------------------------

FOREIGN: list[tuple[int, Any, str]] = [
    (200, b"<html><title>Sign in</title></html>", "text/html"),
    (200, b"", "application/json"),
    (200, b'[{"deploymentId": "x", ', "application/json"),
    (200, b"\x1f\x8b\x08garbage", "application/json"),
    (200, b"[NaN]", "application/json"),
    (200, b"[]", "text/html"),
    (204, b"", "application/json"),
    (302, b"", ""),
    (304, b"", ""),
    (400, {"error": "bad"}, "application/json"),
    (400, b"Invalid JSON!", "text/plain"),
    (400, b"Invalid JSON", "text/html"),
    (400, b"Invalid JSON", "video/mp4"),
    (400, b"<html>400 Bad Request</html>", "text/html"),
    (401, b"Unauthorized", "text/plain"),
    (401, {"message": "Unauthorized", "code": 401}, "application/json"),
    (401, {"message": "unauthorized"}, "application/json"),
    (401, {"message": "Unauthorized"}, "text/html"),
    (403, {"message": "Forbidden"}, "application/json"),
    (403, coded(404, "NOT_FOUND"), "application/json"),
    (404, coded(404, "NOT_FOUND"), "text/html"),
    (404, {"message": "Not found", "code": "not_found"}, "application/json"),
    (404, {"message": "Not found", "code": "UNAUTHORIZED"}, "application/json"),
    (404, {**coded(404, "NOT_FOUND"), "data": {"code": "NOT_FOUND", "httpStatus": 403}}, "application/json"),
    (404, {"code": "NOT_FOUND"}, "application/json"),
    (404, [coded(404, "NOT_FOUND")], "application/json"),
    (404, b"404 page not found", "text/plain"),
    (418, {"message": "?", "code": "A_NEWER_CODE"}, "application/json"),
]


@pytest.mark.parametrize(("status", "body", "kind"), FOREIGN)
def test_what_somebody_else_says_is_a_fault_in_front(status: int, body: Any, kind: str) -> None:
    error = read(status, body, kind)
    assert type(error) is SomethingInFront
    assert error.is_transient
    assert error.code is None
    assert error.may_have_been_carried_out, "a proxy may have passed the request on before it answered"
    assert str(error).startswith(f"Something in front of Dokploy answered: {status}")
    assert error.next_step


@pytest.mark.parametrize(("asked", "step"), [(ASKED, Step.CHECK_ADDRESS), (WORKED, Step.LOOK_IN_FRONT)])
def test_an_address_that_has_worked_is_not_doubted(asked: Asked, step: Step) -> None:
    assert read(200, b"<html>", "text/html", asked).step is step


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, coded(500, "NOT_FOUND")),
        (404, {**coded(404, "NOT_FOUND"), "data": {"code": "BAD_REQUEST", "httpStatus": 404}}),
        (404, {**coded(404, "NOT_FOUND"), "data": {"code": "UNAUTHORIZED", "httpStatus": 404}}),
        (404, coded(404, "NOT_FOUND", httpStatus=500)),
        (404, coded(404, "NOT_FOUND", httpStatus=400)),
        (418, {"message": "?", "code": "A_NEWER_CODE", "data": {"code": "A_NEWER_CODE"}}),
    ],
)
def test_a_code_that_does_not_fit_its_status_is_not_dokploy_s(status: int, body: dict[str, Any]) -> None:
    assert not who_answered(status, "application/json", json.dumps(body).encode(), may_be_empty=False).is_dokploy


def test_a_page_is_told_by_its_title_where_that_is_short() -> None:
    page = b"<!doctype html><html><head><TITLE lang=en>\n  Sign in - Example SSO </TITLE></head>"
    assert 'answered: 200, text/html titled "Sign in - Example SSO" (application.one at' in str(
        read(200, page, "text/html")
    )
    assert "titled" not in str(read(200, b"<title>" + b"x" * 200 + b"</title>", "text/html"))


def test_a_page_is_known_by_its_first_character_too() -> None:
    page = b"\n <html><title>Sign in</title></html>"
    assert '200, text/plain titled "Sign in"' in str(read(200, page, "text/plain"))
    for no_page in (b"no page: <title>Sign in</title>", b"1 <title>Sign in</title>"):
        assert "titled" not in str(read(200, no_page, "text/plain"))


def test_a_title_of_eighty_characters_is_told_and_a_longer_one_is_not() -> None:
    for length, is_told in ((80, True), (81, False)):
        page = f"<title>{'x' * length}</title>".encode()
        assert ("titled" in describe(502, "text/html; charset=utf-8", page)) is is_told


def test_what_came_in_place_of_an_answer_is_told_by_status_kind_and_title() -> None:
    assert describe(502, "text/html; charset=utf-8", b"<title>Bad Gateway</title>") == (
        '502, text/html titled "Bad Gateway"'
    )
    assert describe(502, "", b"") == "502, without a content type"


@pytest.mark.parametrize(
    ("kind", "speaker"),
    [("application/json", Speaker.DATA), ("", Speaker.SOMETHING_ELSE), ("text/html", Speaker.SOMETHING_ELSE)],
)
def test_an_empty_answer_is_dokploy_s_where_it_is_declared_to_be_json(kind: str, speaker: Speaker) -> None:
    assert who_answered(200, kind, b"", may_be_empty=True).speaker is speaker
    assert who_answered(200, kind, b"", may_be_empty=False).speaker is Speaker.SOMETHING_ELSE


def test_a_title_s_secrets_and_control_characters_are_not_repeated() -> None:
    asked = Asked("a.b", "https://x", secrets=Secrets(["the-secret"]))
    text = str(read(200, b"<title>hi the-secret \x1b[31m</title>", "text/html", asked))
    assert "the-secret" not in text
    assert "\x1b" not in text


def test_the_next_step_depends_on_whether_address_and_key_have_worked() -> None:
    assert "Check that the address" in read(403, b"no", "text/plain").next_step
    assert "DOKPLOY_HEADERS" in read(403, b"no", "text/plain").next_step
    later = read(403, b"no", "text/plain", WORKED)
    assert later.next_step.startswith("Address and key have worked before")
    assert later.has_worked


def test_one_401_after_the_key_has_worked_is_no_wrong_key() -> None:
    first, later = read(401, {"message": "Unauthorized"}), read(401, {"message": "Unauthorized"}, asked=WORKED)
    assert (first.is_transient, later.is_transient) == (False, True)
    assert "DOKPLOY_API_KEY" in first.next_step
    assert "any more" in later.message


def test_a_failing_server_says_whether_dokploy_itself_speaks() -> None:
    for status, code in ((500, "INTERNAL_SERVER_ERROR"), (502, "BAD_GATEWAY"), (504, "GATEWAY_TIMEOUT")):
        failing = read(status, coded(status, code))
        assert isinstance(failing, ServerError)
        assert failing.code == code
    proxy = read(502, b"<html><title>502 Bad Gateway</title>", "text/html")
    assert isinstance(proxy, ServerError)
    assert proxy.code is None
    assert "or something in front of it" in proxy.message


# --- whatever comes ------------------------------------------------------------------------------------------

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["NOT_FOUND", "Unauthorized"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "code", "data", "httpStatus", "error", "json"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
BODIES = st.binary(max_size=60) | JSON_VALUES.map(lambda value: json.dumps(value).encode())
KINDS = st.sampled_from(["application/json", "text/html", "text/plain", "", ";", "\udcff"]) | st.text(max_size=20)
CODED = (NotFound, MissingEndpoint, AccessDenied)


@given(st.integers(100, 599), KINDS, BODIES, st.booleans())
@example(404, "application/json", b'{"message": "x", "code": "NOT_FOUND", "data": []}', False)
@example(401, "application/json", b'{"message": {"message": "Unauthorized"}}', True)
@example(400, "text/html", b"Invalid JSON", False)
@example(404, "application/json", b"[" * 100_000, False)
def test_no_answer_breaks_the_reading_or_gets_a_meaning_without_a_code(
    status: int, kind: str, body: bytes, may_be_empty: bool
) -> None:
    reading = who_answered(status, kind, body, may_be_empty=may_be_empty)
    answer = Answer(status, {"content-type": kind}, body)
    asked = Asked("a.b", "https://x", may_be_empty=may_be_empty)
    error = error_of(reading, answer, asked)
    assert (error is None) == (reading.speaker is Speaker.DATA)
    if error is None:
        assert 200 <= status < 300
        assert read_answer(answer, asked) == reading.body
        return
    assert "\n" not in str(error)
    if isinstance(error, CODED):
        parsed = json.loads(body)
        inner = parsed["error"]["json"]["data"] if "code" not in parsed else parsed
        assert error.code == inner["code"]
        assert STATUS_OF_CODE.get(str(error.code), status) == status
    if isinstance(error, InvalidRequest):
        assert error.code is not None or body.strip() in (b"Invalid JSON", b"Body exceeded 1mb limit")
    if isinstance(error, Unauthorized):
        assert json.loads(body) == {"message": "Unauthorized"}


@given(st.binary(min_size=1, max_size=2000))
def test_reading_a_page_takes_time_linear_to_its_length(piece: bytes) -> None:
    # A pattern that goes back and forth would take hours for this.
    who_answered(403, "text/html", b"<title" * 2000 + piece * 20, may_be_empty=False)


def test_json_that_would_take_much_more_memory_than_its_bytes_is_none() -> None:
    assert who_answered(200, "application/json", b"[" + b"{}," * 1_000_001 + b"0]", may_be_empty=False).speaker is (
        Speaker.SOMETHING_ELSE
    )
    log = json.dumps("{[," * 1_000_001).encode()
    assert who_answered(200, "application/json", log, may_be_empty=False).speaker is Speaker.DATA


def test_only_a_redirect_is_called_one() -> None:
    for status, is_redirect in ((299, False), (300, True), (399, True), (400, False)):
        assert ("redirect" in str(read(status, b"", "text/html"))) is is_redirect


def test_an_answer_s_representation_shows_nothing_of_its_body_or_headers() -> None:
    shown = repr(Answer(200, {"set-cookie": "session=swordfish"}, b'{"password": "hunter2"}'))
    assert "swordfish" not in shown
    assert "hunter2" not in shown


def test_json_of_another_kind_is_somebody_else_s() -> None:
    error = not_what_was_asked(ASKED, "an object in place of a list")
    assert "200, an object in place of a list" in str(error)
    assert error.status == 200


@pytest.mark.parametrize(("status", "is_failing"), [(499, False), (500, True), (599, True)])
def test_from_500_on_it_is_the_server_that_fails(status: int, is_failing: bool) -> None:
    assert isinstance(read(status, b"", "text/html"), ServerError) is is_failing


@pytest.mark.parametrize(
    ("bound", "most", "body", "is_read"),
    [
        ("MOST_VALUES", 3, b"[1,2,3,4]", True),
        ("MOST_VALUES", 3, b"[1,2,3,4,5]", False),
        ("MOST_OBJECTS", 3, b"[{},{}]", True),
        ("MOST_OBJECTS", 3, b"[{},[],{}]", False),
        ("MOST_OBJECTS", 3, b' "[[[["', True),
    ],
)
def test_json_is_read_up_to_the_bound(
    monkeypatch: pytest.MonkeyPatch, bound: str, most: int, body: bytes, is_read: bool
) -> None:
    monkeypatch.setattr(f"pulumi_dokploy_deployments.api.who_answered.{bound}", most)
    reading = who_answered(200, "application/json", body, may_be_empty=False)
    assert (reading.speaker is Speaker.DATA) is is_read


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://user:swordfish@sso.example.com:8443/login?token=swordfish", "https://sso.example.com:8443"),
        ("https://sso.example.com/login", "https://sso.example.com"),
        ("/login?token=swordfish", "/login"),
        ("", "another place"),
        ("https://[", "another place"),
    ],
)
def test_a_redirect_is_told_by_where_it_leads_without_a_credential(location: str, told: str) -> None:
    answer = Answer(302, {"content-type": "text/html", "location": location}, b"")
    error = error_of(reading_of(answer, ASKED), answer, ASKED)
    assert f"302, a redirect to {told} (" in str(error)
    assert "swordfish" not in str(error)
