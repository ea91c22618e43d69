"""Files in other formats as parallel tables: SQuAD's, sentences line by line, JSON lines."""
