from dataclasses import replace
from fractions import Fraction as F

import pytest

from nnapprox.calculus import affine, combine, compose, parallel
from nnapprox.certificate import Certificate, certify
from nnapprox.certificate.structural import certify_clipping, certify_combination, certify_composition, certify_product
from nnapprox.errors import UsageError
from nnapprox.functions import parse
from nnapprox.network import Affine, Network

UNIT = ((F(0), F(1)),)
SQUARE = ((F(-1), F(1)),) * 2


def made(value, domain=UNIT, kind="exact", norm="sup"):
    return Certificate(norm, domain, kind, value, None, "given")


def hat(scale):
    return Network([Affine([[1], [1]], [0, F(-1, 2)]), Affine([[2 * scale, -4 * scale]], [0])])


def test_a_combination():
    parts = [made(F(1, 3)), made((F(1, 5), F(1, 4)), kind="enclosure")]
    found = certify_combination(parts, [2, F(-1, 2)])
    assert (found.kind, found.value, found.domain, found.argmax) == ("bound", F(2, 3) + F(1, 8), UNIT, None)
    assert certify_combination([made(F(0))] * 3, [1, 2, 3]).kind == "exact"
    assert certify_combination([made(F(0))], [1]).argmax == (0,)
    assert certify_combination([made(F(1), norm="L1")], [-3]).value == 3
    assert certify_combination([made(F(0), norm="L1")], [-3]).argmax is None


def test_a_combination_bounds_what_is_certified_directly():
    first, second = hat(F(1, 4)), hat(F(1, 3))
    square, line = parse("x*(1-x)"), parse("x/3")
    whole = certify(combine([first, second], [1, -2]), parse("x*(1-x)-2*(x/3)"), UNIT)
    bound = certify_combination([certify(first, square, UNIT), certify(second, line, UNIT)], [1, -2])
    assert 0 < whole.value <= bound.value


def test_a_composition():
    found = certify_composition(made(F(1, 8), UNIT), made(F(1, 16), SQUARE), UNIT, F(3))
    assert (found.kind, found.value, found.domain) == ("bound", F(1, 8) + F(3, 16), SQUARE)
    with pytest.raises(UsageError, match=r"the values \[0, 2\] leave the domain \[0, 1\]"):
        certify_composition(made(F(1, 8)), made(F(1, 16)), ((F(0), F(2)),), F(3))
    with pytest.raises(UsageError, match="leave the domain"):
        certify_composition(made(F(1, 8), SQUARE), made(F(1, 16)), UNIT, F(3))


def test_a_composition_bounds_what_is_certified_directly():
    inner, outer = hat(F(1, 4)), hat(F(1, 4))
    parabola = parse("x*(1-x)")
    bound = certify_composition(certify(outer, parabola, UNIT), certify(inner, parabola, UNIT), UNIT, F(1))
    whole = certify(compose(outer, inner), parse("x*(1-x)*(1-x*(1-x))"), UNIT)
    assert 0 < whole.upper <= bound.value


def test_a_product():
    found = certify_product(made(F(1, 64), SQUARE), [made(F(1, 8)), made(F(1, 4))], [F(1, 2), F(1)])
    assert found.value == F(1, 64) + F(1, 2) * F(1, 4) + F(1, 8)
    with pytest.raises(UsageError, match="leave the domain"):
        certify_product(made(F(1, 64), SQUARE), [made(F(1, 8)), made(F(1, 4))], [F(1, 2), F(2)])
    with pytest.raises(UsageError, match="need one domain"):
        certify_product(made(F(1, 64), SQUARE), [made(F(1, 8)), made(F(1, 4), SQUARE)], [F(1), F(1)])


def test_a_product_bounds_what_is_certified_directly():
    """X Y for X = x + 1/16 and Y = y - 1/8, and P the product's best affine approximation."""
    product = affine([[F(1, 2), F(1, 2)]], [F(-1, 4)])
    first, second = affine([[1, 0]], [F(1, 16)]), affine([[0, 1]], [F(-1, 8)])
    domain = ((F(0), F(1, 2)),) * 2
    whole = certify(compose(product, parallel([first, second], shared=True)), parse("x*y"), domain)
    parts = (
        certify(product, parse("x*y"), SQUARE),
        certify(first, parse("x+0*y"), domain),
        certify(second, parse("y"), domain),
    )
    assert whole.value <= certify_product(parts[0], parts[1:], [F(9, 16), F(1, 2)]).value


def test_clipping():
    found = certify_clipping(made((F(1, 5), F(1, 4)), kind="enclosure"))
    assert (found.kind, found.value) == ("bound", F(1, 4))


def test_nothing_follows_from_samples_or_from_other_norms():
    sampled = made(F(1), kind="sampled")
    for rule in (
        lambda: certify_clipping(sampled),
        lambda: certify_combination([made(F(1)), sampled], [1, 1]),
        lambda: certify_composition(made(F(1)), sampled, UNIT, F(1)),
        lambda: certify_product(made(F(1), SQUARE), [sampled, made(F(1))], [F(1), F(1)]),
    ):
        with pytest.raises(UsageError, match="a sampled error proves nothing"):
            rule()
    with pytest.raises(UsageError, match="in the norm sup, not L2"):
        certify_composition(made(F(1)), replace(made(F(1)), norm="L2"), UNIT, F(1))
    with pytest.raises(UsageError, match="one norm and one domain"):
        certify_combination([made(F(1)), made(F(1), norm="L1")], [1, 1])
    with pytest.raises(UsageError, match="one norm and one domain"):
        certify_combination([made(F(1)), made(F(1), SQUARE)], [1, 1])
    with pytest.raises(UsageError, match="coefficient for every part, not 1 for 2"):
        certify_combination([made(F(1)), made(F(1))], [1])
    with pytest.raises(UsageError, match="not 0 for 0"):
        certify_combination([], [])
