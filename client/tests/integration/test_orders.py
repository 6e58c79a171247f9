"""Orders: the list, the checkout in each of its stages, paying and cancelling."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client.testing import FakeServices

pytestmark = pytest.mark.asyncio
ID = "018f1111-0000-7000-8000-000000000001"
PAGE = f"/orders/{ID}"
ORDER = f"GET /api/orders/{ID}"
PAYMENT = f"GET /api/payments/{ID}"
PAY = "POST /api/payments"
Make = Callable[..., dict[str, Any]]
REFRESH = '<noscript><meta http-equiv="refresh"'


async def test_my_orders_are_links_with_states_and_deadlines(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    orders = [
        make_order(),
        make_order(status="complete", claimed=True),
        make_order(status="cancelled", cancel_reason="expired"),
    ]
    link = '</api/orders?cursor=c2>; rel="next"'
    services.answer("GET /api/orders", orders, link=link)
    page = (await signed_in.get("/orders")).text
    assert page.count(f'href="{PAGE}"') == 3
    for text in ("15 minutes left to pay", "Complete", "Time ran out", "cursor=c2"):
        assert text in page


async def test_no_orders_yet_leads_to_the_tickets(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer("GET /api/orders", [])
    assert "No orders yet" in (await signed_in.get("/orders")).text


@pytest.mark.parametrize("path", ["/orders", PAGE, "/orders?cursor=a%26b"])
async def test_r39_without_a_session_one_signs_in_and_comes_back(
    browser: httpx.AsyncClient, services: FakeServices, path: str
) -> None:
    services.refuse("GET /api/orders", 401)
    services.refuse(ORDER, 401)
    answer = await browser.get(path)
    way_back = path.replace("?", "%3F").replace("=", "%3D").replace("%26", "%2526")
    assert answer.headers["location"] == f"/signin?next={way_back}"


async def test_r39_who_had_a_session_hears_that_it_ended(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.refuse("GET /api/orders", 401)
    answer = await signed_in.get("/orders")
    assert answer.headers["location"] == "/signin?next=/orders&ended=1"


async def test_the_checkout_shows_price_deadline_and_the_card_form(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order())
    page = (await signed_in.get(PAGE)).text
    for text in ("$89.50", "$8.95", "$98.45", 'data-seconds-left="872"', "14:32"):
        assert text in page
    assert "until Jan 1, 2099, 12:15 PM UTC" in page
    assert 'data-publishable-key="pk_test_1"' in page
    assert 'src="https://js.stripe.com/v3/"' in page
    assert "Card entry needs JavaScript" in page
    assert REFRESH not in page


async def test_looking_at_the_checkout_prepares_no_payment(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order())
    await signed_in.get(PAGE)
    assert {request.method for request in services.asked} == {"GET"}


@pytest.mark.parametrize(
    ("order", "payment", "stage"),
    [
        ({"status": "created"}, None, "securing"),
        ({"seconds_left": 0}, None, "expiring"),
        ({}, "authorized", "confirming"),
        ({"claimed": True}, "authorized", "finishing"),
    ],
)
async def test_r10_what_moves_by_itself_is_refreshed_with_and_without_script(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    make_order: Make,
    order: dict[str, object],
    payment: str | None,
    stage: str,
) -> None:
    services.answer(ORDER, make_order(**order))
    if payment:
        services.answer(PAYMENT, {"status": payment})
    page = (await signed_in.get(PAGE)).text
    assert f'data-stage="{stage}"' in page
    assert REFRESH in page
    assert f'data-state-url="{PAGE}/state"' in page
    assert 'id="checkout"' not in page


async def test_a_complete_order_is_a_receipt_that_moves_no_more(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order(status="complete", claimed=True))
    page = (await signed_in.get(PAGE)).text
    assert "It&#39;s yours" in page
    assert "Receipt" in page
    for gone in (REFRESH, "data-state-url", 'id="cancel-order"', "js.stripe.com"):
        assert gone not in page


async def test_a_cancelled_order_says_why_and_that_nothing_was_charged(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order(status="cancelled", cancel_reason="expired"))
    services.answer(PAYMENT, {"status": "voided"})
    page = (await signed_in.get(PAGE)).text
    for text in ("Time ran out", "You were not charged", "only a hold"):
        assert text in page
    assert 'id="find-again"' in page


async def test_a_declined_card_is_told_in_plain_words(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order())
    services.answer(PAYMENT, {"status": "declined", "message": "Not enough money."})
    page = (await signed_in.get(PAGE)).text
    assert 'id="declined"' in page
    assert "Not enough money." in page
    assert 'id="payment-form"' in page


@pytest.mark.parametrize(
    ("returned", "stage", "told"),
    [
        ("succeeded", "confirming", False),
        ("pending", "confirming", False),
        ("failed", "pay", True),
        ("hacked", "pay", False),
    ],
)
async def test_back_from_the_bank_the_page_waits_or_offers_another_try(
    signed_in: httpx.AsyncClient,
    services: FakeServices,
    make_order: Make,
    returned: str,
    stage: str,
    told: bool,
) -> None:
    services.answer(ORDER, make_order())
    page = (await signed_in.get(f"{PAGE}?redirect_status={returned}")).text
    assert f'data-stage="{stage}"' in page
    assert ('id="bank-refused"' in page) == told
    assert "It&#39;s yours" not in page


async def test_the_address_alone_never_makes_an_order_look_paid(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order(status="cancelled", cancel_reason="expired"))
    page = (await signed_in.get(f"{PAGE}?redirect_status=succeeded")).text
    assert 'data-stage="cancelled"' in page


async def test_with_payments_down_the_order_is_still_shown(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order())
    services.break_down(PAYMENT)
    page = await signed_in.get(PAGE)
    assert page.status_code == 200
    assert 'data-stage="pay"' in page.text


async def test_the_state_is_told_to_scripts(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order(claimed=True))
    services.answer(PAYMENT, {"status": "captured"})
    answer = await signed_in.get(f"{PAGE}/state")
    assert answer.headers["cache-control"] == "private, no-store"
    state = answer.json()
    assert state["stage"] == "finishing"
    assert state["settled"] is False
    assert (state["payment"], state["seconds_left"]) == ("captured", 872)


@pytest.mark.parametrize("status", [401, 404])
async def test_the_state_of_no_order_of_mine_is_an_error_for_scripts(
    signed_in: httpx.AsyncClient, services: FakeServices, status: int
) -> None:
    services.refuse(ORDER, status)
    answer = await signed_in.get(f"{PAGE}/state")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"


async def test_paying_gives_a_script_the_client_secret(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.answer(PAY, {"id": "pi_1_secret_2", "status": "intent"}, 201)
    json = {"accept": "application/json"}
    answer = await signed_in.post(f"{PAGE}/pay", data={"key": ID}, headers=json)
    assert answer.status_code == 201
    assert answer.json() == {"client_secret": "pi_1_secret_2"}
    assert answer.headers["cache-control"] == "private, no-store"
    assert services.sent(PAY) == {"order_id": ID}
    assert services.calls(PAY)[0].headers["idempotency-key"] == ID


async def test_paying_with_a_plain_form_gives_the_page_with_the_card_form(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(PAY, {"id": "pi_1_secret_2", "status": "intent"}, 201)
    services.answer(ORDER, make_order())
    page = await signed_in.post(f"{PAGE}/pay", data={"key": ID})
    assert page.status_code == 200
    assert 'data-client-secret="pi_1_secret_2"' in page.text
    assert page.headers["cache-control"] == "private, no-store"


async def test_what_cannot_be_paid_is_told_to_both(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.refuse(PAY, 409, "order_not_payable")
    plain = await signed_in.post(f"{PAGE}/pay")
    assert plain.headers["location"] == f"{PAGE}?notice=not-payable"
    scripted = await signed_in.post(
        f"{PAGE}/pay", headers={"accept": "application/json"}
    )
    assert scripted.status_code == 409
    assert scripted.json()["code"] == "order_not_payable"


@pytest.mark.parametrize(("status", "later"), [(404, ""), (409, "1")])
async def test_a_payment_waits_until_payments_has_heard_of_the_hold(
    signed_in: httpx.AsyncClient, services: FakeServices, status: int, later: str
) -> None:
    services.refuse(PAY, status, retry_after=later)
    services.answer(PAY, {"id": "pi_1_secret_2", "status": "intent"}, 201)
    answer = await signed_in.post(
        f"{PAGE}/pay", data={"key": ID}, headers={"accept": "application/json"}
    )
    assert answer.json() == {"client_secret": "pi_1_secret_2"}
    keys = [call.headers["idempotency-key"] for call in services.calls(PAY)]
    assert keys == [ID, ID]


async def test_payments_out_of_reach_is_an_error_a_script_can_read(
    signed_in: httpx.AsyncClient, services: FakeServices
) -> None:
    services.break_down(PAY)
    answer = await signed_in.post(f"{PAGE}/pay", headers={"accept": "application/json"})
    assert answer.status_code == 503
    assert answer.json() == {"code": "unavailable"}


async def test_cancelling_asks_first_and_works_without_script(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order())
    services.answer(f"DELETE /api/orders/{ID}", status=204)
    assert 'id="confirm-cancel"' in (await signed_in.get(f"{PAGE}/cancel")).text
    assert not services.calls(f"DELETE /api/orders/{ID}")
    answer = await signed_in.post(f"{PAGE}/cancel")
    assert answer.headers["location"] == PAGE


async def test_a_settled_order_is_not_asked_about(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.answer(ORDER, make_order(status="complete"))
    assert (await signed_in.get(f"{PAGE}/cancel")).headers["location"] == PAGE


async def test_a_paid_order_cannot_be_cancelled_and_says_so(
    signed_in: httpx.AsyncClient, services: FakeServices, make_order: Make
) -> None:
    services.refuse(f"DELETE /api/orders/{ID}", 409, "order_not_cancellable")
    services.answer(ORDER, make_order(claimed=True))
    answer = await signed_in.post(f"{PAGE}/cancel")
    page = await signed_in.get(answer.headers["location"])
    assert "can no longer be cancelled" in page.text


async def test_somebody_elses_order_is_not_found(signed_in: httpx.AsyncClient) -> None:
    assert (await signed_in.get(PAGE)).status_code == 404
