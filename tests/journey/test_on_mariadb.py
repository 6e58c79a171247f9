"""The same services on a MySQL-protocol server, by a change of settings alone."""

from pathlib import Path

import pytest

from common.testing.databases import MariaDb
from embedded.reconcile import reconcile
from embedded.testing import running_stack
from embedded.visitor import visiting

pytestmark = [
    pytest.mark.stack,
    pytest.mark.mariadb,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_purchase_and_an_expiry_on_mariadb(
    tmp_path: Path, mariadb: MariaDb
) -> None:
    urls = {
        f"{name.upper()}_DATABASE_URL": mariadb.create(f"journey_{name}")
        for name in ("tickets", "orders", "payments")
    }
    settings = {"ORDER_WINDOW_SECONDS": "10", **urls}
    async with (
        running_stack(tmp_path, env=settings) as stack,
        visiting(stack.description) as seller,
        visiting(stack.description) as buyer,
    ):
        await seller.sign_up()
        await buyer.sign_up()
        sold = await seller.list_ticket()
        left = await seller.list_ticket()

        bought = await buyer.buy(sold["id"])
        held = await buyer.order(left["id"])
        expired = await buyer.wait_for_order(held["id"], "cancelled")

        assert bought["status"] == "complete"
        assert expired["cancel_reason"] == "expired"
        await buyer.wait_for_ticket(left["id"], "available")
        assert await reconcile(stack.state_dir) == []
