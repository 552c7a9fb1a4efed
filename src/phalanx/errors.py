"""The one error that means: the input is at fault, not the program."""


class InputError(ValueError):
    """Input that cannot be used, told in one sentence: what, where, and what to do.

    The command line prints the sentence and exits with status 2; Python callers
    see an ordinary ``ValueError``.
    """
