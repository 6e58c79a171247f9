"""The OpenAPI documents and the Ingress speak of the same paths."""

from collections.abc import Mapping
from typing import Final

import httpx
import pytest

from common.testing.http import assert_problem
from common.testing.routes import ApiRoute, routes_of
from embedded.ingress import Route, read_routes
from embedded.settings import ROOT
from embedded.testing import RunningStack
from embedded.visitor import Json

pytestmark = pytest.mark.stack

INGRESS: Final = ROOT / "infra" / "k8s" / "base" / "ingress.yaml"
BY_SERVICE: Final = {
    "/api/users": "auth",
    "/api/tickets": "tickets",
    "/api/orders": "orders",
    "/api/payments": "payments",
}
OWN_PORT_ONLY: Final = ("/livez", "/readyz", "/metrics")


@pytest.fixture
def ingress() -> list[Route]:
    """The rules of the Ingress."""
    return read_routes(INGRESS)


def test_every_path_lies_under_the_prefix_of_its_service(
    documents: Mapping[str, Json], ingress: list[Route]
) -> None:
    leads_to = {rule.path: rule.service for rule in ingress}
    for prefix, document in documents.items():
        assert leads_to[prefix] == BY_SERVICE[prefix]
        for path in document["paths"]:
            assert path == prefix or path.startswith(f"{prefix}/")


def test_every_rule_of_the_ingress_leads_to_a_service_that_answers(
    ingress: list[Route], documents: Mapping[str, Json], anybody: httpx.Client
) -> None:
    assert {rule.path for rule in ingress} == {"/", *documents}
    for rule in ingress:
        page = f"{rule.path}/docs" if rule.is_api else rule.path
        assert anybody.get(page).status_code == 200


def test_the_running_services_publish_the_documents_that_are_tested_here(
    documents: Mapping[str, Json], anybody: httpx.Client
) -> None:
    for prefix, document in documents.items():
        served = anybody.get(f"{prefix}/openapi.json").json()
        assert served["paths"] == document["paths"]
        assert served["components"] == document["components"]


def test_every_refusal_in_a_document_is_a_problem(
    route: ApiRoute, documents: Mapping[str, Json]
) -> None:
    refusals = {k: v for k, v in route.operation["responses"].items() if k >= "400"}
    assert refusals
    for response in refusals.values():
        assert list(response["content"]) == ["application/problem+json"]
    assert ("401" in refusals) >= route.needs_session
    assert ("403" in refusals) == route.is_unsafe
    assert ("422" in refusals) >= route.has_fields
    document = next(one for one in documents.values() if route.path in one["paths"])
    assert route in list(routes_of(document))


@pytest.mark.parametrize("prefix", ["", *BY_SERVICE])
@pytest.mark.parametrize("path", OWN_PORT_ONLY)
def test_health_and_metrics_are_not_for_everyone(
    prefix: str, path: str, anybody: httpx.Client
) -> None:
    answer = anybody.get(f"{prefix}{path}")
    assert answer.status_code in {401, 404}
    assert "python_info" not in answer.text
    assert "resources" not in answer.text


@pytest.mark.parametrize("service", [*BY_SERVICE.values(), "client"])
@pytest.mark.parametrize("path", OWN_PORT_ONLY)
def test_health_and_metrics_answer_on_the_port_of_the_service(
    service: str, path: str, api_stack: RunningStack
) -> None:
    answer = httpx.get(f"{api_stack.url(service)}{path}", trust_env=False)
    assert answer.status_code == 200


@pytest.mark.parametrize("prefix", BY_SERVICE)
def test_what_a_service_does_not_know_is_a_404_problem(
    prefix: str, somebody: httpx.Client
) -> None:
    assert_problem(somebody.get(f"{prefix}/no/such/thing"), 404, code="not_found")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/usersX"])
def test_what_no_service_has_is_a_404_page(path: str, anybody: httpx.Client) -> None:
    answer = anybody.get(path)
    assert answer.status_code == 404
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
