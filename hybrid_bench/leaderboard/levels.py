"""What the verification level of a row proves, and what it does not."""

from __future__ import annotations

#: Level, from the weakest, to one sentence for readers of a board.
LEVELS = {
    "ranks re-scored": (
        "The scores follow from the submitted ranks or runs; nothing shows that an encoder computed these ranks from the texts."
    ),
    "vectors re-scored": (
        "In addition, the submitted vectors give exactly these ranks; nothing shows that an encoder computed the vectors from "
        "the texts, and vectors made from the judgements reach any score."
    ),
    "re-run": (
        "A maintainer ran the encoder on the texts (and images) and got the same mean scores to 0.002; nothing shows what it was "
        "trained on."
    ),
    "published": "A figure copied from a publication, with its citation; nothing was recomputed, and it is listed separately.",
}
