"""The measurements: one a file, pure functions of an AnswerMatrix."""
