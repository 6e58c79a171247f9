"""Reading the rules of a Kubernetes Ingress."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SUPPORTED_PATH_TYPES = ("Prefix", "Exact")


class UnsupportedIngress(Exception):
    """The Ingress uses something the embedded gateway would not do faithfully."""


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    service: str
    is_prefix: bool

    @property
    def is_api(self) -> bool:
        return self.path == "/api" or self.path.startswith("/api/")


def read_routes(path: Path) -> list[Route]:
    """The routes of the one Ingress in a file; raises UnsupportedIngress."""
    documents = [each for each in yaml.safe_load_all(path.read_text()) if each]
    ingresses = [each for each in documents if each.get("kind") == "Ingress"]
    if len(ingresses) != 1:
        raise UnsupportedIngress(f"{path} holds {len(ingresses)} Ingresses, not one")
    if ingresses[0]["metadata"].get("annotations"):
        raise UnsupportedIngress("annotations mean something to one controller only")
    rules = ingresses[0]["spec"]["rules"]
    if len(rules) != 1:
        raise UnsupportedIngress("one rule, for one host, is supported")
    return [_route(entry) for entry in rules[0]["http"]["paths"]]


def _route(entry: dict[str, Any]) -> Route:
    path_type = entry["pathType"]
    if path_type not in SUPPORTED_PATH_TYPES:
        raise UnsupportedIngress(
            f"pathType {path_type} of {entry['path']}: its meaning is left to the "
            f"controller; use {' or '.join(SUPPORTED_PATH_TYPES)}"
        )
    is_prefix = path_type == "Prefix"
    path = entry["path"]
    # A trailing slash of a Prefix is ignored: /foo/ matches /foo and /foo/bar.
    normal = (path.rstrip("/") or "/") if is_prefix else path
    return Route(normal, entry["backend"]["service"]["name"], is_prefix)
