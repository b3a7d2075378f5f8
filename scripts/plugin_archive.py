"""Make the archives that `pulumi plugin install` downloads: a plugin folder that installs this package into itself.

The engine unpacks such an archive, and its Python language host makes the virtual environment from
requirements.txt, so that nobody needs the package beforehand. The content is the same for every platform; the
engine asks for a file name for each.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = "dokploy-deployments"
PLATFORMS = tuple(f"{system}-{machine}" for system in ("linux", "darwin", "windows") for machine in ("amd64", "arm64"))
PLUGIN_YAML = """runtime:
  name: python
  options:
    virtualenv: venv
"""


def project_version(root: Path = ROOT) -> str:
    """The version in pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def archive_name(version: str, platform: str) -> str:
    """The file that the engine asks for, such as pulumi-resource-dokploy-deployments-v1.2.3-linux-amd64.tar.gz."""
    return f"pulumi-resource-{PLUGIN}-v{version}-{platform}.tar.gz"


def contents(version: str, root: Path = ROOT) -> dict[str, bytes]:
    """The archive's files: name and bytes."""
    return {
        "LICENSE": (root / "LICENSE").read_bytes(),
        "PulumiPlugin.yaml": PLUGIN_YAML.encode(),
        "__main__.py": (root / "__main__.py").read_bytes(),
        "requirements.txt": f"pulumi-dokploy-deployments=={version}\n".encode(),
    }


def archive(files: dict[str, bytes]) -> bytes:
    """A compressed tar of these files, the same bytes at every call."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as writer:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            writer.addfile(entry, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), mtime=0)


def write(folder: Path, version: str) -> list[Path]:
    """Write the archive under each platform's name."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = archive(contents(version))
    written = [folder / archive_name(version, platform) for platform in PLATFORMS]
    for path in written:
        path.write_bytes(packed)
    return written


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "plugin", help="the folder to write them to")
    for path in write(parser.parse_args().out, project_version()):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
