from pathlib import Path

import pytest
import yaml

from embedded.ingress import Route, UnsupportedIngress, read_routes
from embedded.nginx import Gateway, UnknownService, configuration
from embedded.settings import INGRESS


def ingress(tmp_path: Path, path: str, path_type: str, **metadata: object) -> Path:
    backend = {"service": {"name": "auth", "port": {"name": "http"}}}
    document = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "x", **metadata},
        "spec": {
            "rules": [
                {
                    "http": {
                        "paths": [
                            {"path": path, "pathType": path_type, "backend": backend}
                        ]
                    }
                }
            ]
        },
    }
    file = tmp_path / "ingress.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def test_the_ingress_of_the_project_sends_each_prefix_to_its_service() -> None:
    assert read_routes(INGRESS) == [
        Route("/api/users", "auth", is_prefix=True),
        Route("/api/tickets", "tickets", is_prefix=True),
        Route("/api/orders", "orders", is_prefix=True),
        Route("/api/payments", "payments", is_prefix=True),
        Route("/", "client", is_prefix=True),
    ]


def test_the_ingress_of_the_project_has_no_annotation_and_ends_tls() -> None:
    document = yaml.safe_load(INGRESS.read_text())

    assert "annotations" not in document["metadata"]
    assert document["spec"]["ingressClassName"] == "nginx"
    assert document["spec"]["tls"] == [
        {"hosts": ["ticketing.dev"], "secretName": "ticketing-dev-tls"}
    ]
    assert document["spec"]["rules"][0]["host"] == "ticketing.dev"


def test_a_trailing_slash_of_a_prefix_means_nothing(tmp_path: Path) -> None:
    [route] = read_routes(ingress(tmp_path, "/api/users/", "Prefix"))

    assert route.path == "/api/users"


def test_what_only_one_controller_understands_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedIngress, match="ImplementationSpecific"):
        read_routes(ingress(tmp_path, "/x", "ImplementationSpecific"))
    with pytest.raises(UnsupportedIngress, match="annotations"):
        read_routes(ingress(tmp_path, "/x", "Prefix", annotations={"a": "b"}))


def test_an_unknown_service_is_refused_by_name() -> None:
    gateway = Gateway(
        folder=Path("/nowhere"),
        port=1,
        hosts=["127.0.0.1"],
        routes=[Route("/", "mystery", is_prefix=True)],
        upstreams={},
    )
    with pytest.raises(UnknownService, match="mystery"):
        configuration(gateway)
