from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from types import SimpleNamespace

import pytest

from services.accounts.passwords import HASHED_AT_ONCE, PasswordError, Passwords, check_password
from services.turns import BusyError
from tests.people import PASSWORD
from tests.waiting import HANGS


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "blue bird house",
        "correct horse battery staple",
        "مرحبا بكم هنا",
        "".join(chr(97 + i * i % 26) + chr(97 + i * 7 % 26) for i in range(128)),
    ],
)
def test_hard_to_guess_passwords_are_accepted_without_rules_of_composition(password: str):
    check_password(password, "ada")


@pytest.mark.parametrize("password", ["kq7!vzr9xw2", "x" * 257])
def test_length_is_bounded_on_both_sides(password: str):
    with pytest.raises(PasswordError, match=r"12 characters or more|no more than 256"):
        check_password(password, "ada")


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "passwordpassword",
        "aaaaaaaaaaaa",
        "123456789012",
        "qwertyuiop12",
        "weihnachtsbaum",
        "Sunshine2024!",
        "iloveyou1234",
    ],
)
def test_common_passwords_are_refused(password: str):
    with pytest.raises(PasswordError, match="easy to guess"):
        check_password(password, "ada")


@pytest.mark.parametrize(
    "password", ["Leukoscope-2026", "leukoscope leukoscope", "ada.lovelace!!", "1815 Ada.Lovelace"]
)
def test_the_user_name_and_the_product_are_no_passwords(password: str):
    with pytest.raises(PasswordError):
        check_password(password, "ada.lovelace")


def test_checks_at_the_same_time_do_not_disturb_each_other():
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: check_password(PASSWORD, f"person{i}"), range(40)))


def test_a_hash_is_argon2id_salted_and_verifies():
    passwords = Passwords(memory_kib=8, passes=1)
    kept = passwords.hash(PASSWORD)

    assert kept.startswith("$argon2id$")
    assert kept != passwords.hash(PASSWORD)
    assert passwords.verify(kept, PASSWORD)
    assert not passwords.verify(kept, PASSWORD + " ")


def test_nobody_has_no_password():
    assert not Passwords(memory_kib=8, passes=1).verify(None, PASSWORD)


def test_a_damaged_hash_lets_nobody_in():
    assert not Passwords(memory_kib=8, passes=1).verify("$argon2id$damaged", PASSWORD)


def test_composed_and_decomposed_letters_are_the_same_password():
    passwords = Passwords(memory_kib=8, passes=1)

    assert passwords.verify(passwords.hash("Zoe\u0308 und der Zug"), "Zo\u00eb und der Zug")


def test_a_hash_of_another_cost_is_outdated():
    kept = Passwords(memory_kib=8, passes=1).hash(PASSWORD)

    assert not Passwords(memory_kib=8, passes=1).is_outdated(kept)
    assert Passwords(memory_kib=16, passes=1).is_outdated(kept)


def test_of_a_long_password_the_estimate_sees_a_part(monkeypatch):
    """Substituted letters make zxcvbn take 20 s for 256 characters, and 1.7 s for 72."""
    seen = []

    def estimate(password: str, user_inputs: list[str]) -> dict[str, int]:
        seen.append((len(password), max(map(len, user_inputs))))
        return {"score": 4}

    monkeypatch.setattr("zxcvbn.zxcvbn", estimate)
    check_password(("4@8({[<369&#!1/|0$5+7%2" * 12)[:256], "a" * 60_000)
    ((password, longest_input),) = seen
    assert password <= 40
    assert longest_input <= 256


def test_a_crowd_is_told_that_the_server_is_busy(monkeypatch):
    monkeypatch.setattr("services.accounts.passwords.WAITING_SECONDS", 0.05)
    passwords = Passwords(memory_kib=8, passes=1)
    begun, end = Barrier(HASHED_AT_ONCE + 1), Event()

    def slowly(*_: object) -> bool:
        begun.wait(timeout=HANGS)
        return end.wait(timeout=HANGS)

    monkeypatch.setattr(passwords, "_hasher", SimpleNamespace(verify=slowly))
    with ThreadPoolExecutor(HASHED_AT_ONCE) as pool:
        working = [pool.submit(passwords.verify, "kept", PASSWORD) for _ in range(HASHED_AT_ONCE)]
        begun.wait(timeout=HANGS)
        with pytest.raises(BusyError):
            passwords.verify("kept", PASSWORD)
        end.set()
    assert all(each.result() for each in working)
