"""What a report shows of the errors of a model: of rows whose truth is known beside what was predicted."""
