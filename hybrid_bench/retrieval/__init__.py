"""HOW IT IS SEARCHED: exact ranks of the relevant passages in every pool, and full rankings."""
