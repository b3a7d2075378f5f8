"""Asks the real pip once for each question and keeps the answer.

The engine's Python host asks `pip list` at every preview and update, which is a third of what such a command costs.
Nothing is installed while the tests run, so that the first answer stays true. KEPT_ANSWERS names the folder.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

question = "\0".join([sys.executable, *sys.argv[1:]])
kept = Path(os.environ["KEPT_ANSWERS"]) / hashlib.sha256(question.encode()).hexdigest()
if not kept.exists():
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "pip", *sys.argv[1:]]
    answer = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True)
    written = kept.with_suffix(f".{os.getpid()}")
    written.write_bytes(answer.stdout)
    written.replace(kept)
sys.stdout.buffer.write(kept.read_bytes())
