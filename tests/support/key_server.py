"""A key server as Pulumi's `hashivault` secrets provider asks it: it wraps the keys of stacks, and keeps nothing.

A passphrase costs the engine a sixth of a second at every command, on purpose, and the tests run hundreds of them.
What is secret in a state is encrypted as always, with a key of the stack's own.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

SECRETS_PROVIDER = "hashivault://engine-tests"
WRAPPED = "vault:v1:"


@cache
def key_server() -> dict[str, str]:
    """The environment in which the engine finds the server, which runs as long as this process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Transit)
    Thread(target=server.serve_forever, name="key-server", daemon=True).start()
    return {"VAULT_SERVER_URL": f"http://127.0.0.1:{server.server_port}", "VAULT_SERVER_TOKEN": "engine-tests"}


class _Transit(BaseHTTPRequestHandler):
    """Vault's transit engine, as far as it is asked: encrypt and decrypt."""

    def do_PUT(self) -> None:
        """Wrap a key, or unwrap it."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.startswith("/v1/transit/encrypt/"):
            plain = base64.b64decode(asked["plaintext"])
            data = {"ciphertext": WRAPPED + base64.b64encode(plain[::-1]).decode()}
        else:
            wrapped = base64.b64decode(asked["ciphertext"].removeprefix(WRAPPED))
            data = {"plaintext": base64.b64encode(wrapped[::-1]).decode()}
        answer = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Nothing: the engine's output is what tests read."""
