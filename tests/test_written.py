"""Figures with units: every way to write them, what is refused, and how precise they are."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from grader.checks.writing import Kilobyte, Writing, read_figure
from grader.checks.written import MAX_CHARS, UNITS, Unit, WrittenError, agreeing, in_unit, read_written

READ: dict[str, tuple[float, float, str]] = {
    # text: value, half a unit of the last digit, unit
    "17.4 MMAC": (17_400_000, 50_000, "MAC"),
    "17.4MMACs": (17_400_000, 50_000, "MAC"),
    "17,4 Mio. MACs": (17_400_000, 50_000, "MAC"),
    "17.4 million multiply-accumulates": (17_400_000, 50_000, "MAC"),
    "17.4 mult-adds": (17.4, 0.05, "MAC"),
    "17.40 M MACC": (17_400_000, 5_000, "MAC"),
    "≈ 17.4 MMAC": (17_400_000, 50_000, "MAC"),
    "ca. 17.4 MMAC": (17_400_000, 50_000, "MAC"),
    "About 17.4 MMAC.": (17_400_000, 50_000, "MAC"),
    "17\u202f367\u00a0680\u2009MAC": (17_367_680, 0, "MAC"),
    "17\u200b 367 680 MAC": (17_367_680, 0, "MAC"),
    "17,367,680": (17_367_680, 0, ""),
    "17.367.680": (17_367_680, 0, ""),
    "17'367'680 MAC": (17_367_680, 0, "MAC"),
    "17’367’680 MAC": (17_367_680, 0, "MAC"),  # noqa: RUF001 - as it is written in Switzerland
    "17_367_680": (17_367_680, 0, ""),
    "17367680 MAC": (17_367_680, 0, "MAC"),
    "17000000 MAC": (17_000_000, 0, "MAC"),
    "32,928 MAC": (32_928, 0, "MAC"),
    "1,234.5 s": (1234.5, 0.05, "s"),
    "1.234,5 s": (1234.5, 0.05, "s"),
    "1 234.5": (1234.5, 0.05, ""),
    "17.368 M": (17_368_000, 500, ""),
    "1.234 s": (1.234, 0.0005, "s"),
    "0,123 MMAC": (123_000, 500, "MAC"),
    "1234,567 kMAC": (1_234_567, 0.5, "MAC"),
    ".5 M": (500_000, 50_000, ""),
    "17 M": (17_000_000, 500_000, ""),
    "17 mega": (17_000_000, 500_000, ""),
    "20 thousand": (20_000, 500, ""),
    "2 Mrd.": (2e9, 5e8, ""),
    "2.45e6 parameters": (2_450_000, 5_000, "parameter"),
    "2.45E+6 params": (2_450_000, 5_000, "parameter"),
    "2.45 × 10^6": (2_450_000, 5_000, ""),  # noqa: RUF001
    "2.45·10⁶": (2_450_000, 5_000, ""),
    "2.45 x 10**6": (2_450_000, 5_000, ""),
    "12×10⁻⁶ s": (12e-6, 5e-7, "s"),  # noqa: RUF001
    "1.2 G": (1.2e9, 5e7, ""),
    "33.4K": (33_400, 50, ""),
    "9.4 MiB": (9.4 * 1024**2, 0.05 * 1024**2, "B"),
    "37 KiB": (37 * 1024, 512, "B"),
    "37 kibibytes": (37 * 1024, 512, "B"),
    "37 Kibit": (37 * 1024, 512, "bit"),
    "9.4 MB": (9_400_000, 50_000, "B"),
    "9.4 Mb": (9_400_000, 50_000, "bit"),
    "9.4 Mbit": (9_400_000, 50_000, "bit"),
    "9.4 MByte": (9_400_000, 50_000, "B"),
    "9.4 Megabytes": (9_400_000, 50_000, "B"),
    "133.6 kb": (133_600, 50, "bit"),
    "896 B": (896, 0, "B"),
    "41,344 elements": (41_344, 0, "element"),
    "34.7 MFLOPs": (34_700_000, 50_000, "FLOP"),
    "34.7 M floating-point operations": (34_700_000, 50_000, "FLOP"),
    "12 \u00b5s": (12e-6, 5e-7, "s"),
    "12 \u03bcs": (12e-6, 5e-7, "s"),
    "12 us": (12e-6, 5e-7, "s"),
    "12 milliseconds": (12e-3, 5e-4, "s"),
    "550 MHz": (550e6, 5e5, "Hz"),
    "1.2 mJ": (1.2e-3, 5e-5, "J"),
    "0.3 W": (0.3, 0.05, "W"),
    "-5": (-5, 0, ""),
    "\u22125.0 k": (-5000, 50, ""),
    "0": (0, 0, ""),
}


@pytest.mark.parametrize("text", READ)
def test_figures_in_any_form(text: str) -> None:
    value, half, unit = READ[text]
    found = read_written(text)
    assert float(found.value) == pytest.approx(value, rel=1e-15)
    assert found.unit == unit
    assert found.value - found.low == found.high - found.value == pytest.approx(half, rel=1e-12)
    assert found.rounded == (half > 0)


def test_significant_digits_are_counted() -> None:
    counted = {"17.4 M": 3, "0.0420 k": 3, "20 M": 2, "100.0 k": 4, "0 k": 0, "2.450e6": 4, "12,345 MAC": 5}
    assert counted == {text: read_written(text).digits for text in counted}


KNOWN = "known are MAC, FLOP, parameter, element, B, bit, s, Hz, J, W, with prefixes such as k, M, Ki"
REFUSED = {
    "": "it should begin with a number, and a unit may follow, as in `1.5 kB`",
    "MAC": "it should begin with a number, and a unit may follow, as in `1.5 kB`",
    "about": "it should begin with a number, and a unit may follow, as in `1.5 kB`",
    "\u0663 M": "it should begin with a number, and a unit may follow, as in `1.5 kB`",
    "17,368 M": "`17,368` may mean 17368 or 17.368: write 17368 or 17.368",
    "32,928": "`32,928` may mean 32928 or 32.928: write 32928 or 32.928",
    "1,234 s": "`1,234` may mean 1234 or 1.234: write 1234 or 1.234",
    "32.928 MAC": "`32.928` may mean 32928 or 32.928: write it without a mark, or with its prefix",
    "1,23,4": "the separators in `1,23,4` do not stand before every three digits",
    "1.2.3 M": "the separators in `1.2.3` do not stand before every three digits",
    "1__000": "the separators in `1__000` do not stand before every three digits",
    "17 4 M": "the separators in `17 4` do not stand before every three digits",
    "17'367 680": "the separators in `17'367 680` do not stand before every three digits",
    "1,234,567.8.9": "the separators in `1,234,567.8.9` do not stand before every three digits",
    "17.4 GOPS": "`GOPS` may be MACs or FLOPs: write which",
    "17.4 M operations": "`M operations` may be MACs or FLOPs: write which",
    "1.2 billion": "a billion has nine zeros in English and twelve in German: write G, or e9",
    "1.2 Billionen MAC": "a billion has nine zeros in English and twelve in German: write G, or e9",
    "17.4 m": "`m` makes a thousandth or less; a million is `M`, a thousand `k`",
    "17.4 mMAC": "`m` makes a thousandth or less; a million is `M`, a thousand `k`",
    "4 mB": "`m` makes a thousandth or less; a million is `M`, a thousand `k`",
    "1.2B parameters": f"`B parameters` is no unit that is known here; {KNOWN}",
    "1.2 MAC/s": f"`MAC/s` is no unit that is known here; {KNOWN}",
    "1e100": f"`e100` is no unit that is known here; {KNOWN}",
    "17.4 M`x`": f"`M'x'` is no unit that is known here; {KNOWN}",
    "17.4 gb": f"`gb` is no unit that is known here; {KNOWN}",
    "17.4 MMAC + 1": f"`MMAC + 1` is no unit that is known here; {KNOWN}",
    "2**20": f"`**20` is no unit that is known here; {KNOWN}",
    "9" * 61: "it has 61 characters, and a number with its unit at most 60",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_told(text: str) -> None:
    with pytest.raises(WrittenError) as caught:
        read_written(text)
    assert str(caught.value) == REFUSED[text]


def test_the_unit_that_is_asked_for_helps_to_read() -> None:
    assert read_written("32,928", "MAC").value == 32_928
    assert read_written("32,928 MAC", "s").unit == "MAC"
    assert read_written("1.234", "s").value == Fraction(1234, 1000)
    with pytest.raises(WrittenError, match=r"^`32\.928` may mean"):
        read_written("32.928", "parameter")
    with pytest.raises(WrittenError, match=r"^`1,234` may mean"):
        read_written("1,234", "s")
    assert read_written("12 m", "s").value == Fraction(12, 1000)
    ambiguous = read_written("37 K", "B")
    assert ambiguous.binary is not None
    assert ambiguous.binary.value == 37 * 1024
    assert read_written("37 K", "parameter").binary is None


@pytest.mark.parametrize(
    ("text", "true", "sizes"),
    [
        ("133.6 kB", 133_600, (1000,)),
        ("130.5 kB", 133_600, (1024,)),
        ("130.5 KB", 133_600, (1024,)),
        ("130.5 kilobytes", 133_600, (1024,)),
        ("9.4 MB", 9_815_848, (1024,)),
        ("9.8 MB", 9_815_848, (1000,)),
        ("0 kB", 0, (1000, 1024)),
        ("1 MB", 1_020_000, (1000, 1024)),
        ("130.5 KiB", 133_600, (1000, 1024)),
        ("133.6 KiB", 133_600, ()),
        ("133.6e3 B", 133_600, (1000, 1024)),
        ("130.5 kbit", 133_600, ()),
        ("0.1336 million bytes", 133_600, (1000, 1024)),
    ],
)
def test_whether_a_kilobyte_has_1000_bytes_or_1024_is_told(text: str, true: int, sizes: tuple[int, ...]) -> None:
    assert agreeing(read_written(text), true) == sizes
    assert agreeing(read_written(text), float(true)) == sizes


def test_slack_comes_on_top_of_the_own_rounding() -> None:
    figure = read_written("17.4 M")
    assert agreeing(figure, 17_450_000) == (1000, 1024)
    assert agreeing(figure, 17_450_001) == ()
    assert agreeing(figure, 17_450_001, 1) == (1000, 1024)
    assert agreeing(figure.exactly(), 17_400_001) == ()
    assert agreeing(figure.exactly(), 17_400_000) == (1000, 1024)


def test_bits_and_bytes_turn_into_each_other_and_nothing_else_does() -> None:
    bits = read_written("1.07 Mbit")
    found = in_unit(bits, "B")
    assert [found.value, found.low, found.high] == [133_750, 133_125, 134_375]
    assert found.unit == "B"
    in_bits = in_unit(read_written("1 KB"), "bit")
    assert in_bits.binary is not None
    assert [in_bits.value, in_bits.binary.value] == [8000, 8192]
    assert in_bits.unit == "bit"
    assert in_unit(read_written("5"), "MAC").unit == "MAC"
    refused: list[tuple[str, Unit, str]] = [
        ("1 FLOP", "MAC", "it is in FLOPs, of which a MAC is two (FLOPs are 2 × MACs); asked are MACs"),  # noqa: RUF001
        ("1 MAC", "FLOP", "it is in MACs, each of which is two FLOPs (FLOPs are 2 × MACs); asked are FLOPs"),  # noqa: RUF001
        ("1 kB", "MAC", "it is in bytes; asked are MACs"),
        ("1 MAC", "parameter", "it is in MACs; asked are parameters"),
    ]
    for text, unit, message in refused:
        with pytest.raises(WrittenError) as caught:
            in_unit(read_written(text), unit)
        assert str(caught.value) == message


# Round trips

SCALES: dict[str, Fraction] = {
    **{name: Fraction(10) ** (3 * power) for name, power in {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}.items()},
    **{name: Fraction(1024) ** power for name, power in {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4}.items()},
    **{f"e{power}": Fraction(10) ** power for power in range(-9, 13)},
    "m": Fraction(1, 1000),
    "\u00b5": Fraction(1, 10**6),
    "n": Fraction(1, 10**9),
    " thousand ": Fraction(1000),
    " Mio. ": Fraction(10**6),
    " × 10^7 ": Fraction(10**7),  # noqa: RUF001
}


def formatted(number: Fraction, digits: int) -> tuple[str, Fraction]:
    """Return a positive ``number`` to so many digits, or all before the point, and one unit of the last of them."""
    first = 0
    while Fraction(10) ** (first + 1) <= number:
        first += 1
    while Fraction(10) ** first > number:
        first -= 1
    decimals = max(0, digits - 1 - first)
    steps = str(round(number * 10**decimals)).rjust(decimals + 1, "0")
    return f"{steps[:-decimals]}.{steps[-decimals:]}" if decimals else steps, Fraction(1, 10**decimals)


@given(
    number=st.integers(1, 10**13),
    digits=st.integers(1, 8),
    prefix=st.sampled_from(sorted(SCALES)),
    unit=st.sampled_from(["", *UNITS]),
    comma=st.booleans(),
    space=st.sampled_from(["", " ", "\u00a0", "\u2009"]),
)
@example(number=17_367_680, digits=3, prefix="M", unit="MAC", comma=True, space=" ")
@example(number=17_367_680, digits=5, prefix="M", unit="MAC", comma=True, space=" ")
def test_the_true_value_lies_in_what_rounds_to_its_figure(
    number: int, digits: int, prefix: str, unit: str, comma: bool, space: str
) -> None:
    small = prefix in {"m", "\u00b5", "n"}
    assume(not small or unit in {"s", "Hz", "J", "W"})
    text, step = formatted(number / SCALES[prefix], digits)
    whole, _, decimals = text.partition(".")
    like_thousands = len(decimals) == 3 and len(whole) <= 3 and whole != "0"
    assume(len(text) < 40)
    plain = not prefix and unit in {"MAC", "FLOP", "parameter", "element", "B", "bit"}
    shown = (text.replace(".", ",") if comma else text) + ("" if prefix.startswith("e") else space) + prefix
    shown += space if prefix.startswith("e") else ""
    if like_thousands and plain != comma:
        with pytest.raises(WrittenError, match="may mean"):
            read_written(shown + unit)
        return
    assume(not (like_thousands and plain))
    found = read_written(shown + unit)
    exact = not prefix and not decimals
    assert found.low <= number <= found.high
    assert found.high - found.low == (0 if exact else step * SCALES[prefix])
    assert found.unit == unit
    assert 1000 in agreeing(found, number)


@given(st.integers(0, 10**15), st.sampled_from([",", ".", " ", "'", "_", "\u2009"]), st.sampled_from(["", " MAC"]))
def test_thousands_are_read_or_refused_and_never_taken_for_decimals(number: int, separator: str, unit: str) -> None:
    text = f"{number:,}".replace(",", separator) + unit
    try:
        found = read_written(text)
    except WrittenError as error:
        assert "may mean" in str(error)  # noqa: PT017 - either is right
        assert 1000 <= number < 10**6
        assert separator in ",."
        return
    if separator == "." and not unit and 1000 <= number < 10**6:
        assert found.value == Fraction(number, 1000)  # as Python has it
    else:
        assert found.low == found.high == number


@given(st.text(alphabet="0123456789.,'_ eExX*^+-~kKMGmiBbsMACFLOPµ×10²\u00a0/()", max_size=MAX_CHARS))  # noqa: RUF001
def test_any_text_is_a_figure_or_an_error_with_a_sentence(text: str) -> None:
    try:
        found = read_written(text)
    except WrittenError as error:
        assert re.fullmatch(".*[^.]", str(error))  # noqa: PT017 - either is right
        return
    assert found.low <= found.value <= found.high
    assert found.unit in ("", *UNITS)
    assert abs(found.value.numerator) < 10**200


@given(
    true=st.integers(10, 10**10),
    change=st.integers(1, 10**7),
    digits=st.integers(1, 9),
    prefix=st.sampled_from(["k", "M", "Ki", "Mi", "Gi"]),
    unit=st.sampled_from(["B", "bit"]),
)
def test_enough_digits_tell_two_numbers_apart(true: int, change: int, digits: int, prefix: str, unit: str) -> None:
    writing = Writing(("B",), digits, 1000)
    assume(writing.step(true, digits) < change)
    text, _ = formatted(true * (8 if unit == "bit" else 1) / SCALES[prefix], digits)
    figure = read_figure(f"{text} {prefix}{unit}", writing, true)
    assert figure.coarse == ""
    assert figure.agrees(true, 0)
    assert not figure.agrees(true + change, 0)
    assert not figure.agrees(true - change, 0)


# What a check makes of it


def coarse(text: str, digits: int | None, unit: Unit = "MAC") -> str:
    return read_figure(text, Writing((unit,), digits, 1000), 1.0).coarse


def test_too_few_digits_are_told() -> None:
    assert coarse("17.4 M", 3) == coarse("17400001", 3) == coarse("5", 3) == coarse("0.420 kMAC", 4) == ""
    assert coarse("17 M", 3) == "Write at least 3 digits, or the whole number."
    assert coarse("17.4 M", None) == "Write all digits of the number, as in 12345 or 12,345."
    assert coarse("17.367680 M", None) == coarse("17,367,680", None) == ""
    assert coarse("0.42 s", None, "s") == "Write all digits of the number, as in 12345 or 12,345."
    figure = read_figure("17 M", Writing(("MAC",), 3, 1000), 17_367_680)
    assert not figure.agrees(17_367_680, 0)
    assert figure.agrees(17_000_000, 0)


@pytest.mark.parametrize(
    ("kilobyte", "text", "agrees", "used", "note"),
    [
        (1000, "133.6 KB", True, 133_600, "Right with 1000 bytes to a kilobyte."),
        (1024, "130.5 KB", True, 133_632, "Right with 1024 bytes to a kilobyte."),
        ("either", "133.6 KB", True, 133_600, "Right with 1000 bytes to a kilobyte."),
        ("either", "130.5 KB", True, 133_632, "Right with 1024 bytes to a kilobyte."),
        ("either", "150.5 KB", False, 150_500, ""),
        (
            1000,
            "130.5 KB",
            False,
            130_500,
            "It would be right with 1024 bytes to a kilobyte, but is read with 1000: write KiB, MiB, ….",
        ),
        (
            1024,
            "133.6 KB",
            False,
            136_806.4,
            "It would be right with 1000 bytes to a kilobyte, but is read with 1024: write bytes.",
        ),
        (1000, "130.5 KiB", True, 133_632, ""),
        (1024, "133.6e3 B", True, 133_600, ""),
        (1000, "150.5 KB", False, 150_500, ""),
    ],
)
def test_a_course_says_what_a_kilobyte_is(kilobyte: Kilobyte, text: str, agrees: bool, used: float, note: str) -> None:
    figure = read_figure(text, Writing(("B",), 3, kilobyte), 133_600)
    assert figure.agrees(133_600, 0) == agrees
    assert float(figure.used.value) == used
    assert figure.on_kilobytes(133_600, 0) == note


@pytest.mark.parametrize("true", [float("nan"), float("inf")])
def test_nothing_agrees_with_what_is_no_number(true: float) -> None:
    figure = read_figure("130.5 KB", Writing(("B",), 3, "either"), true)
    assert not figure.agrees(true, 0)
    assert figure.on_kilobytes(true, 0) == ""
