"""THE MAIN JOB: a searcher gives ranks or runs, and they become a result; compare, check, reproduce."""
