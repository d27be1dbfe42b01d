"""Traditional and simplified: one character for another, and never back."""

from routing.hanzi import simplified


def test_the_tables_know_what_people_write() -> None:
    table = simplified()
    assert {"縣": "县", "醫": "医", "衞": "卫", "裡": "里", "綫": "线"}.items() <= table.items()
    assert len(table) > 3000


def test_a_simplified_character_stays() -> None:
    assert not set("么台干后里只吃床着群县医院停水没人管") & simplified().keys()


def test_one_look_is_enough() -> None:
    table = simplified()
    assert not set(table.values()) & table.keys()
    assert all(len(sign) == 1 for pair in table.items() for sign in pair)
