"""Gradio's dropdowns, used as a person uses them."""

import re

from playwright.sync_api import Locator


def choose(field: Locator, option: str | re.Pattern[str]) -> None:
    """Open a dropdown by its input and take an option.

    The option is looked for in the field's own list: the list of a field left before may still be closing, and offers
    the same names.
    """
    field.click()
    own = field.page.locator(f"[id='{field.get_attribute('aria-controls')}']")
    own.get_by_role("option", name=option, exact=isinstance(option, str)).click()
