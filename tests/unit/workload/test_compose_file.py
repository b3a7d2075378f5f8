"""What a compose file says about services that need not run; what it says in a roundabout way is left open."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.workload.compose_file import read_expectations

PLAIN = """\
version: '3.8'
x-common: &common
  restart: always
services:
  # the site
  web:
    image: shop:1   # latest
    environment:
      profiles: not one
  "tools":
    profiles: [tools]
    image: shop:1
  job:
    image: shop:1
    profiles:
      - jobs
  off:
    image: shop:1
    scale: 0
  none:
    image: shop:1
    deploy:
      replicas: 0
  two:
    image: shop:1
    deploy:
      replicas: 2
volumes:
  data:
"""


def test_profiles_and_zero_replicas_are_found_and_everything_else_has_to_run() -> None:
    assert read_expectations(PLAIN) == {
        "web": "",
        "tools": "its profile is not active",
        "job": "its profile is not active",
        "off": "it asks for no replicas",
        "none": "it asks for no replicas",
        "two": "",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not yaml at all",
        "services: {web: {image: a}}",
        "include:\n  - other.yml\nservices:\n  web:\n    image: a\n",
        "services:\n  web: {image: a, profiles: [x]}\n",
        "services:\n  web:\n    <<: *common\n    image: a\n",
        "services:\n  web:\n    extends:\n      service: base\n",
        "services:\n  web:\n    image: a\n    scale: ${SCALE}\n",
        "services:\n  web:\n    image: a\n    deploy: {replicas: 0}\n",
    ],
)
def test_what_is_written_in_a_roundabout_way_is_left_open(text: str) -> None:
    assert read_expectations(text) == {}
