"""Text in CSV files that a spreadsheet must not take for a formula: names of models, answers, questions."""

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet compute a cell; the full-width ones do in East Asian versions."""


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before it where it begins like a formula, blanks passed over.

    For texts alone: a number may begin with a minus.
    """
    formula = text.startswith(FORMULA_SIGNS) or text.lstrip(" \u00a0\u3000").startswith(FORMULA_SIGNS)
    return f"'{text}" if formula else text
