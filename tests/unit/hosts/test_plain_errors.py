"""Expected failures show as their paragraph; everything else keeps its traceback, and unknown hosts are left alone."""

from __future__ import annotations

import sys
import traceback
from types import ModuleType

import pytest

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.dynamic.plain_errors import show_plain_errors


@pytest.fixture
def servicer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The main module of a dynamic provider's process."""
    main = ModuleType("__main__")
    main.DynamicResourceProviderServicer = object  # type: ignore[attr-defined]
    main.traceback = traceback  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "__main__", main)
    return main


def _shown(main: ModuleType, error: Exception) -> str:
    try:
        raise error
    except Exception:  # noqa: BLE001 - as the servicer does
        return str(main.traceback.format_exc())


def test_our_errors_show_as_their_paragraph_alone(servicer: ModuleType) -> None:
    assert show_plain_errors()
    error = DokployError("The deployment failed.", next_step="Fix it.")
    assert _shown(servicer, error) == "The deployment failed. Fix it."


def test_other_errors_keep_their_traceback(servicer: ModuleType) -> None:
    show_plain_errors()
    text = _shown(servicer, RuntimeError("a bug"))
    assert text.startswith("Traceback (most recent call last)")
    assert "RuntimeError: a bug" in text


def test_an_error_caused_by_ours_keeps_its_traceback(servicer: ModuleType) -> None:
    show_plain_errors()
    error = RuntimeError("a bug")
    error.__cause__ = DokployError("The cause.")
    assert "RuntimeError: a bug" in _shown(servicer, error)


def test_the_rest_of_the_module_is_still_there(servicer: ModuleType) -> None:
    show_plain_errors()
    assert servicer.traceback.format_tb is traceback.format_tb
    assert servicer.traceback.print_exc is traceback.print_exc


def test_it_is_put_in_place_once(servicer: ModuleType) -> None:
    assert show_plain_errors()
    first = servicer.traceback
    assert show_plain_errors()
    assert servicer.traceback is first
    assert traceback.format_exc.__module__ == "traceback"


def test_a_main_module_without_the_servicer_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    main = ModuleType("__main__")
    main.traceback = traceback  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert not show_plain_errors()
    assert main.traceback is traceback


def test_a_servicer_that_looks_different_is_left_alone(servicer: ModuleType) -> None:
    servicer.traceback = "something else"  # type: ignore[attr-defined]
    assert not show_plain_errors()
    assert servicer.traceback == "something else"
    del servicer.traceback
    assert not show_plain_errors()


def test_this_very_process_is_no_provider_and_left_alone() -> None:
    assert not show_plain_errors()
