"""HOW IT IS JUDGED: measures from exact ranks, language bias, significance, and the ir_measures provider."""
