"""Certificates are read once a process, and not at all for a server on this machine that is asked over http."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.tls import tls_context


def connection(endpoint: str) -> Connection:
    return Connection.parse(endpoint, "a-key")


def test_two_servers_are_checked_against_the_same_certificates() -> None:
    one, other = (tls_context(connection(f"https://{name}.example.com")) for name in ("one", "other"))

    assert one is other
    assert one.verify_mode is ssl.CERT_REQUIRED
    assert one.check_hostname
    assert one.cert_store_stats()["x509_ca"] > 0


def test_other_certificates_of_the_environment_are_read_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usual = tls_context(connection("https://dokploy.example.com"))
    first = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
    (tmp_path / "one.pem").write_text(first[0] + first[1] + "\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "one.pem"))

    own = tls_context(connection("https://dokploy.example.com"))

    assert own is not usual
    assert own.cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000"])
def test_a_server_on_this_machine_without_tls_needs_none_and_what_it_gets_trusts_nobody(endpoint: str) -> None:
    context = tls_context(connection(endpoint))

    assert context.cert_store_stats()["x509_ca"] == 0
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("endpoint", ["https://127.0.0.1:3000", "https://localhost"])
def test_a_server_on_this_machine_with_tls_is_checked_as_any_other(endpoint: str) -> None:
    assert tls_context(connection(endpoint)).cert_store_stats()["x509_ca"] > 0
