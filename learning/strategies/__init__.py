"""Which unlabelled fields are asked for next. A strategy is a pure function `Pool -> Ranking`.

To add one: write `rank(pool)` in a file of its own and add its line to the table below; from then on every
command and page knows its name.
"""

from __future__ import annotations

from learning.strategies import chance, coverage, hybrid, rarity, uncertainty
from learning.strategies.pool import Choice, Pool, Ranking, Strategy

__all__ = ["DEFAULT", "STRATEGIES", "Choice", "Pool", "Ranking", "Strategy", "strategy"]

STRATEGIES: dict[str, Strategy] = {
    "random": chance.rank,
    "coverage": coverage.rank,
    "uncertainty": uncertainty.rank,
    "uncertainty_rarity": rarity.rank,
    "hybrid": hybrid.rank,
}
DEFAULT = "hybrid"


def strategy(name: str) -> Strategy:
    """The strategy of that name; raises ValueError that lists the names there are."""
    if name not in STRATEGIES:
        raise ValueError(f"there is no strategy called {name!r}; choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
