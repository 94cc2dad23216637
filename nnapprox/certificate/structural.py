"""What certificates of parts prove of the whole: rules that need no cells, and so hold in any dimension.

Every certificate says how far a network is from its target; every rule says it of a network that is made of such
networks as `nnapprox.calculus` does it, and of the target that is made of their targets in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nnapprox.certificate.certificate import Certificate, Domain
from nnapprox.errors import UsageError


def certify_combination(parts: Sequence[Certificate], coefficients: Sequence[int | Fraction]) -> Certificate:
    """A linear combination of networks on one input: the error is at most the sum of |c_i| eps_i, in any norm.

    Parameters
    ----------
    parts : sequence of Certificate
        At least one; all of one norm and one domain.
    coefficients : sequence of rationals
        One a part.

    Raises
    ------
    UsageError
        Norms, domains or numbers differ, or a part is not certified.
    """
    if not parts or len(parts) != len(coefficients):
        raise UsageError(f"a combination needs a coefficient for every part, not {len(coefficients)} for {len(parts)}")
    _require_certified(*parts)
    first = parts[0]
    if any((part.norm, part.domain) != (first.norm, first.domain) for part in parts):
        raise UsageError("a combination needs certificates of one norm and one domain")
    value = sum((abs(Fraction(c)) * part.upper for c, part in zip(coefficients, parts, strict=True)), start=Fraction(0))
    return _bound(first, value, f"the errors of {len(parts)} parts, weighted and added up")


def certify_composition(outer: Certificate, inner: Certificate, values: Domain, lipschitz: Fraction) -> Certificate:
    """A network after another: the error is at most eps_outer + Lip eps_inner.

    Parameters
    ----------
    outer, inner : Certificate
        In the sup norm.
    values : Domain
        A box that holds all values of the inner network; the outer certificate must hold there.
    lipschitz : Fraction
        Of the outer target on the convex hull of the values of the inner network and of its target, for the largest
        difference of coordinates.

    Raises
    ------
    UsageError
        A part is not certified in the sup norm, or the values leave the domain of the outer one.
    """
    _require_certified(outer, inner, norm="sup")
    _require_inside(values, outer.domain)
    value = outer.upper + lipschitz * inner.upper
    return _bound(inner, value, f"the outer error, and the inner one times the Lipschitz constant {lipschitz}")


def certify_product(product: Certificate, factors: Sequence[Certificate], bounds: Sequence[Fraction]) -> Certificate:
    """A product network P after networks X and Y for x and y: |P(X, Y) - x y| <= delta + |X| eps_y + |y| eps_x.

    Parameters
    ----------
    product : Certificate
        Of P against the product of two variables, in the sup norm.
    factors : two of Certificate
        Of X and Y, in the sup norm, on one domain.
    bounds : two of Fraction
        Of |X|, and of |y| and |Y|, there.

    Raises
    ------
    UsageError
        A part is not certified in the sup norm, the domains of the factors differ, or the bounds leave that of P.
    """
    first, second = factors
    _require_certified(product, first, second, norm="sup")
    if first.domain != second.domain:
        raise UsageError("the factors of a product need one domain")
    _require_inside(tuple((-bound, bound) for bound in bounds), product.domain)
    value = product.upper + bounds[0] * second.upper + bounds[1] * first.upper
    return _bound(first, value, "the error of the product, and those of the factors times their bounds")


def certify_clipping(part: Certificate) -> Certificate:
    """A network cut to a range that holds all values of its target: the error does not grow.

    Raises
    ------
    UsageError
        The part is not certified.
    """
    _require_certified(part)
    return _bound(part, part.upper, f"clipping does not increase the error: {part.source}")


def _bound(like: Certificate, value: Fraction, source: str) -> Certificate:
    """At most so much on the same domain; a norm that is at most 0 is known exactly, and taken anywhere."""
    if value:
        return Certificate(like.norm, like.domain, "bound", value, None, source)
    corner = tuple(low for low, _ in like.domain) if like.norm == "sup" else None
    return Certificate(like.norm, like.domain, "exact", value, corner, source)


def _require_certified(*parts: Certificate, norm: str | None = None) -> None:
    for part in parts:
        if not part.certified:
            raise UsageError(f"a {part.kind} error proves nothing of the whole: certify every part")
        if norm not in (None, part.norm):
            raise UsageError(f"the rule needs errors in the norm {norm}, not {part.norm}")


def _require_inside(values: Domain, domain: Domain) -> None:
    if len(values) != len(domain) or any(
        low < least or high > most for (low, high), (least, most) in zip(values, domain, strict=False)
    ):
        raise UsageError(f"the values {_text(values)} leave the domain {_text(domain)} that the certificate is for")


def _text(box: Domain) -> str:
    return " x ".join(f"[{low}, {high}]" for low, high in box)
