"""Settings: a query set on a pool, and the kinds of settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from hybrid_bench.errors import UnknownNameError

if TYPE_CHECKING:
    pass


SettingKind = Literal["monolingual", "cross-lingual", "multilingual"]


#: The pool of all languages together.
ALL = "all"


class Setting(NamedTuple):
    """Questions of one language on one pool."""

    query_language: str
    pool: str

    @property
    def kind(self) -> SettingKind:
        """``multilingual`` on the pool ``all``, else by whether both languages are the same."""
        if self.pool == ALL:
            return "multilingual"
        return "monolingual" if self.pool == self.query_language else "cross-lingual"


def parse_settings(asked: Sequence[str], settings: Sequence[Setting]) -> list[Setting]:
    """The settings named by kinds (``monolingual``) or by pairs (``en:de``, ``en:all``); all if none is named."""
    if not asked:
        return list(settings)
    chosen = []
    for name in asked:
        found = [s for s in settings if name in (s.kind, f"{s.query_language}:{s.pool}")]
        if not found:
            pairs = {f"{s.query_language}:{s.pool}" for s in settings}
            raise UnknownNameError("setting", name, {s.kind for s in settings} | (pairs if ":" in name else set()))
        chosen += [setting for setting in found if setting not in chosen]
    return chosen
