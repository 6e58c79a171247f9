"""Requests that schemathesis makes up from the OpenAPI documents.

Whatever is sent, right or wrong, the answer is one that the document declares, has
the declared form, and is no fault of ours.
"""

import copy
from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from common.testing.routes import ApiRoute
from embedded.visitor import Json, Visitor

pytestmark = pytest.mark.stack

EXAMPLES: Final = 20
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    ignored_auth,
    missing_required_header,
    unsupported_method,
    response_headers_conformance,
    response_schema_conformance,
]
# The same requests each time: a run that fails must fail again.
MANNER: Final = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
Operation = APIOperation[Any, Any, Any, Any]


def test_s18_strangers_get_declared_answers(
    route: ApiRoute, anybody: httpx.Client, documents: Mapping[str, Json]
) -> None:
    statuses = _sent(_operation(route, documents).as_strategy(), anybody)
    assert statuses
    assert not (route.needs_session and any(200 <= one < 300 for one in statuses))


def test_s18_the_signed_in_get_declared_answers(
    route: ApiRoute, newcomer: httpx.Client, documents: Mapping[str, Json]
) -> None:
    assert _sent(_operation(route, documents).as_strategy(), newcomer)


def test_s18_wrong_input_gets_declared_answers(
    field_route: ApiRoute, newcomer: httpx.Client, documents: Mapping[str, Json]
) -> None:
    operation = _operation(field_route, documents)
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    assert _sent(wrong, newcomer)


def test_s18_owners_get_declared_answers(
    id_route: ApiRoute,
    documents: Mapping[str, Json],
    seller: Visitor,
    buyer: Visitor,
    sale: Mapping[str, str],
) -> None:
    owner = seller if "{ticket_id}" in id_route.path else buyer
    operation = _operation(id_route, documents)
    cases = operation.as_strategy(path_parameters=dict(sale))
    assert 404 not in _sent(cases, owner.http)


def _operation(route: ApiRoute, documents: Mapping[str, Json]) -> Operation:
    document = next(one for one in documents.values() if route.path in one["paths"])
    schema = schemathesis.openapi.from_dict(copy.deepcopy(document), config=_config())
    return schema[route.path][route.method.upper()]


def _config() -> schemathesis.Config:
    config = schemathesis.Config()
    # Who is signed in is decided here; made-up sessions have their own tests.
    config.projects.default.generation.with_security_parameters = False
    return config


def _sent(
    cases: SearchStrategy[Case[Any]], browser: httpx.Client | httpx.AsyncClient
) -> set[int]:
    """Send what schemathesis makes up; return the statuses that came."""
    statuses: set[int] = set()
    cookies = dict(browser.cookies)
    with requests.Session() as session:
        session.trust_env = False

        @MANNER
        @given(cases)
        def send(case: Case[Any]) -> None:
            answer = case.call_and_validate(
                str(browser.base_url), session, checks=CHECKS, cookies=cookies
            )
            statuses.add(answer.status_code)

        send()
    return statuses
