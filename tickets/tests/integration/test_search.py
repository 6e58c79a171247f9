"""T1: what is on sale, filtered, sorted and paged."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from common.clock import now
from common.db import Database
from common.events import OrderCancelled, OrderCompleted, OrderState
from common.ids import new_id
from tickets.models import Ticket
from tickets.search import Sort
from tickets.settings import Settings

pytestmark = pytest.mark.asyncio

ListTicket = Callable[..., Awaitable[dict[str, Any]]]
MakeTicket = Callable[..., Ticket]
Store = Callable[..., Awaitable[None]]
OrderOf = Callable[..., OrderState]
Apply = Callable[..., Awaitable[None]]

MOMENT = timedelta(milliseconds=1)


async def titles(client: httpx.AsyncClient, **query: object) -> list[str]:
    """Return the titles that a search finds, in its order."""
    response = await client.get(f"/api/tickets?{urlencode(query)}")
    assert response.status_code == 200, response.text
    return [ticket["title"] for ticket in response.json()]


async def pages(client: httpx.AsyncClient, **query: object) -> list[list[str]]:
    """Follow the links from the first page to the last; return the ids on each."""
    url: str | None = f"/api/tickets?{urlencode(query)}"
    found = []
    while url is not None:
        response = await client.get(url)
        found.append([ticket["id"] for ticket in response.json()])
        url = response.links["next"]["url"] if "next" in response.links else None
    return found


def flat(found: Iterable[list[str]]) -> list[str]:
    return [one for page in found for one in page]


async def test_t01_only_what_can_be_bought_is_listed(
    client: httpx.AsyncClient, list_ticket: ListTicket, order_of: OrderOf, apply: Apply
) -> None:
    held = await list_ticket(title="held")
    sold = await list_ticket(title="sold")
    released = await list_ticket(title="released")
    await list_ticket(title="free")
    first, second, third = (order_of(one) for one in (held, sold, released))
    await apply(
        first,
        second,
        order_of(sold, OrderCompleted, id=second.id),
        third,
        order_of(released, OrderCancelled, id=third.id, reason="expired"),
    )
    assert await titles(client) == ["free", "released"]


async def test_the_public_list_is_cacheable_and_the_same_for_all(
    client: httpx.AsyncClient,
    list_ticket: ListTicket,
    headers_of: Callable[[str], dict[str, str]],
) -> None:
    await list_ticket()
    response = await client.get("/api/tickets")
    assert response.headers["Cache-Control"].startswith("public, max-age=1")
    signed_in = await client.get("/api/tickets", headers=headers_of("seller"))
    assert signed_in.json() == response.json()


async def test_past_events_are_not_on_sale(
    client: httpx.AsyncClient, make_ticket: MakeTicket, store: Store
) -> None:
    for title, ends_in in (("past", -MOMENT), ("coming", timedelta(minutes=1))):
        await store(make_ticket(title=title, sale_ends_at=now() + ends_in))
    assert await titles(client) == ["coming"]


class TestSaleThatClosesEarly:
    """With a margin of an hour before the event."""

    @pytest.fixture
    def settings(self) -> Settings:
        """Return settings with that margin."""
        return Settings(
            database_url="unused", jwks_url="unused", sale_closes_seconds_before=3_600
        )

    async def test_the_sale_closes_before_the_event_as_configured(
        self, client: httpx.AsyncClient, list_ticket: ListTicket, database: Database
    ) -> None:
        starts_at = now() + timedelta(days=2)
        ticket = await list_ticket(starts_at=starts_at.isoformat(), timezone="UTC")
        async with database.transaction() as session:
            stored = await session.get_one(Ticket, ticket["id"])
            assert stored.sale_ends_at == starts_at - timedelta(hours=1)
            stored.sale_ends_at -= timedelta(days=2)
        assert await titles(client) == []


WORDS: dict[str, list[str]] = {
    "cave": ["Nick Cave"],
    "NICK oslo": ["Nick Cave"],
    "spektrum": ["Nick Cave"],
    "nick berlin": [],
    "beyonce": ["Beyoncé"],
    "BEYONCÉ": ["Beyoncé"],
    "strasse": ["Große Straße"],
    "100%": ["100% Metal"],
    "%": ["100% Metal"],
    "_": ["snake_case"],
    "\\": ["back\\slash"],
    "/": ["AC/DC"],
    "'": ["Guns N' Roses"],
    "🎸": ["🎸 night"],
}


async def test_words_are_searched_as_they_are_meant(
    client: httpx.AsyncClient,
    make_ticket: MakeTicket,
    store: Store,
    subtests: pytest.Subtests,
) -> None:
    names = [
        "Beyoncé", "Große Straße", "100% Metal", "snake_case", "back\\slash", "AC/DC",
        "Guns N' Roses", "🎸 night", "🎷 day",
    ]  # fmt: skip
    cave = make_ticket(title="Nick Cave", venue="Spektrum", city="Oslo")
    await store(cave, *(make_ticket(title=name) for name in names))
    for words, found in WORDS.items():
        with subtests.test(words=words):
            assert await titles(client, q=words) == found
    assert len(await titles(client, q="   ")) == len(names) + 1


async def test_the_city_is_matched_whole(
    client: httpx.AsyncClient, make_ticket: MakeTicket, store: Store
) -> None:
    for city in ("São Paulo", "Paulo", None):
        await store(make_ticket(title=city or "nowhere", city=city))
    assert await titles(client, city="sao paulo") == ["São Paulo"]
    assert await titles(client, city=" PAULO ") == ["Paulo"]
    assert await titles(client, city="%") == []


async def test_dates_include_the_whole_last_day(
    client: httpx.AsyncClient, list_ticket: ListTicket
) -> None:
    for title, starts_at in (
        ("eve", "2030-05-16T23:59:59.999999Z"),
        ("morning", "2030-05-17T00:00:00Z"),
        ("night", "2030-05-17T23:59:59.999999Z"),
        ("next", "2030-05-18T00:00:00Z"),
    ):
        await list_ticket(title=title, starts_at=starts_at, timezone="UTC")
    await list_ticket(title="undated")
    one_day = {"from": "2030-05-17", "to": "2030-05-17", "sort": "date"}
    assert await titles(client, **one_day) == ["morning", "night"]
    assert await titles(client, to="2030-05-16") == ["eve"]
    exact = {"from": "2030-05-17T23:59:59.999999Z", "to": "2030-05-18T00:00:00Z"}
    assert await titles(client, **exact) == ["night"]
    shifted = {"from": "2030-05-18T01:00:00+02:00"}
    assert await titles(client, **shifted, sort="date") == ["night", "next"]


async def test_price_bounds_are_inclusive(
    client: httpx.AsyncClient, make_ticket: MakeTicket, store: Store
) -> None:
    for price in (1_000, 2_000, 3_000):
        await store(make_ticket(title=str(price), price=price))
    found = await titles(client, min_price=1_000, max_price=2_000, sort="price")
    assert found == ["1000", "2000"]
    assert await titles(client, min_price=3_001) == []
    assert await titles(client, min_price=2_000, max_price=1_000) == []


async def test_one_sellers_offers(
    client: httpx.AsyncClient, make_ticket: MakeTicket, store: Store
) -> None:
    await store(make_ticket(seller="ann", title="a"), make_ticket(seller="bob"))
    assert await titles(client, seller="ann") == ["a"]
    assert await titles(client, seller="ANN") == []


async def test_filters_add_up(
    client: httpx.AsyncClient, make_ticket: MakeTicket, store: Store
) -> None:
    await store(
        make_ticket(title="right", city="Oslo", price=2_000, seller="ann"),
        make_ticket(title="right", city="Bergen", price=2_000, seller="ann"),
        make_ticket(title="right", city="Oslo", price=9_000, seller="ann"),
        make_ticket(title="right", city="Oslo", price=2_000, seller="bob"),
        make_ticket(title="wrong", city="Oslo", price=2_000, seller="ann"),
    )
    found = await titles(client, q="right", city="oslo", max_price=5_000, seller="ann")
    assert found == ["right"]


async def test_each_sort_has_its_order(
    client: httpx.AsyncClient, make_ticket: MakeTicket, store: Store
) -> None:
    for title, price, days in (("a", 300, 2), ("b", 100, 3), ("c", 200, 1)):
        ends_at = now() + timedelta(days=days)
        await store(make_ticket(title=title, price=price, sale_ends_at=ends_at))
    assert await titles(client) == ["c", "b", "a"]
    assert await titles(client, sort="date") == ["c", "a", "b"]
    assert await titles(client, sort="price") == ["b", "c", "a"]
    assert await titles(client, sort="-price") == ["a", "c", "b"]


@pytest.mark.parametrize("sort", list(Sort))
async def test_pages_cover_everything_once_with_ties(
    client: httpx.AsyncClient, make_ticket: MakeTicket, store: Store, sort: Sort
) -> None:
    ends_at = now() + timedelta(days=1)
    tickets = [
        make_ticket(price=100 + 100 * (n % 2), sale_ends_at=ends_at) for n in range(9)
    ]
    await store(*tickets)
    [whole] = await pages(client, sort=sort, limit=100)
    assert sorted(whole) == sorted(ticket.id for ticket in tickets)
    for limit in (1, 2, 3, 7, 9, 10):
        found = await pages(client, sort=sort, limit=limit)
        assert flat(found) == whole
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        assert 0 < len(found[-1]) <= limit


@pytest.mark.parametrize("sort", list(Sort))
async def test_pages_are_stable_while_others_list_and_buy(
    client: httpx.AsyncClient,
    make_ticket: MakeTicket,
    store: Store,
    database: Database,
    sort: Sort,
) -> None:
    ends_at = now() + timedelta(days=1)
    tickets = [make_ticket(price=500, sale_ends_at=ends_at) for _ in range(8)]
    await store(*tickets)
    first = await client.get(f"/api/tickets?limit=4&sort={sort}")
    seen = [ticket["id"] for ticket in first.json()]
    async with database.transaction() as session:
        gone = await session.get_one(Ticket, seen[-1])
        gone.hold(new_id())
    price = {Sort.PRICE: 400, Sort.PRICE_DESC: 600}.get(sort, 500)
    earlier = MOMENT if sort is Sort.DATE else 0 * MOMENT
    await store(make_ticket(price=price, sale_ends_at=ends_at - earlier))
    rest = (await client.get(first.links["next"]["url"])).json()
    expected = {ticket.id for ticket in tickets} - set(seen)
    assert {ticket["id"] for ticket in rest} == expected


async def test_a_link_keeps_the_question(
    client: httpx.AsyncClient, make_ticket: MakeTicket, store: Store
) -> None:
    await store(*(make_ticket(title="Öl & Brot", city="Oslo") for _ in range(3)))
    query = {"q": "öl &", "city": "Oslo", "sort": "price", "limit": 2}
    response = await client.get(f"/api/tickets?{urlencode(query)}")
    link = httpx.URL(response.links["next"]["url"])
    assert {name: link.params[name] for name in query} == {
        name: str(value) for name, value in query.items()
    }
    assert "cursor" in link.params
    assert len((await client.get(link)).json()) == 1


async def test_nothing_found_is_an_empty_list_without_a_link(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/api/tickets?q=nothing")
    assert (response.json(), "Link" in response.headers) == ([], False)
