"""What others hand in: a card with ranks or runs. It is checked without running anything of theirs, and scored again."""
