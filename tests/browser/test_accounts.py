"""Accounts and sessions, in browsers."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from client.testing.person import PASSWORD, Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="session"),
]

Come = Callable[..., Awaitable[Person]]


async def test_who_signs_up_in_one_browser_is_signed_in_there_alone(
    come: Come,
) -> None:
    visitor, person = await come(signed_in=False), await come(signed_in=False)
    await person.open("/signup")
    await person.sign_up()

    await visitor.open("/")
    await person.open("/account")

    await expect(person.find("#account-email")).to_have_text(person.email)
    await expect(visitor.find(".nav--wide")).to_contain_text("Sign in")
    await visitor.open("/account")
    await expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_wrong_password_and_a_known_address_are_told(come: Come) -> None:
    person = await come()
    person.expects(401, 409)
    await person.open("/")
    await person.find(".nav--wide").get_by_role("button", name="Sign out").click()
    await expect(person.find("#notice")).to_contain_text("You are signed out")

    await person.open("/signup")
    await person.fill(email=person.email, password=PASSWORD)
    await person.find("#submit").click()
    await expect(person.find("#form-problem")).to_contain_text("already is an account")
    await person.open("/signin")
    await person.fill(email=person.email, password="a wrong password")
    await person.find("#submit").click()
    await expect(person.find("#form-problem")).to_contain_text("do not match")

    await expect(person.find("#email")).to_have_value(person.email)
    await expect(person.find("#password")).to_be_empty()


async def test_sessions_end_everywhere_and_a_new_password_counts(come: Come) -> None:
    person = await come()
    new = "another-long-password"

    await person.open("/account")
    await person.fill(current="not my password", new=new)
    person.expects(401, 403, 422)
    await person.press("Change password")
    await expect(person.find("#current-error")).to_be_visible()
    await person.fill(current=PASSWORD, new=new)
    await person.press("Change password")
    await expect(person.find("#notice")).to_contain_text("password is changed")
    await person.find("#sign-out-everywhere").click()
    await expect(person.find("#notice")).to_contain_text("signed out")

    await person.open("/account")
    await person.fill(email=person.email, password=new)
    await person.find("#submit").click()
    await expect(person.find("#account-email")).to_have_text(person.email)
