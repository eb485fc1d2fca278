"""What goes wrong, by kind: each exception has the `kind` and the `exit_code` of the program."""

from __future__ import annotations

from typing import Optional


class InpaintError(Exception):
    """Every error of the engine. Its text is one line: what was expected, what was found.

    >>> import numpy as np, inpaint_edge
    >>> try:
    ...     inpaint_edge.inpaint(np.zeros((4, 4, 3), np.uint8), np.zeros((5, 4), bool))
    ... except inpaint_edge.InpaintError as e:
    ...     print(e.kind, e.exit_code, e)
    input 3 expected a mask of 4×4, found 4×5
    """

    kind: str
    exit_code: int


class UsageError(InpaintError, ValueError):
    """An argument is wrong, or arguments contradict each other."""

    kind, exit_code = "usage", 2


class InputError(InpaintError, ValueError):
    """The image or the mask cannot be used."""

    kind, exit_code = "input", 3


class WeightsError(InpaintError, ValueError):
    """The weights are malformed."""

    kind, exit_code = "weights", 4


class LimitsError(InpaintError, MemoryError):
    """The work needs more memory than there is or than `max_memory` allows."""

    kind, exit_code = "limits", 5


class CancelledError(InpaintError, RuntimeError):
    """The run was stopped."""

    kind, exit_code = "cancelled", 1


class OutputError(InpaintError, OSError):
    """The result cannot be written."""

    kind, exit_code = "output", 1


class UnreadableError(InputError, OSError):
    """The image or the mask cannot be read from its file. `errno` is the system's."""


class UnreadableWeightsError(WeightsError, OSError):
    """The weights cannot be read from their file. `errno` is the system's."""


_KINDS = {e.kind: e for e in (UsageError, InputError, WeightsError, LimitsError, CancelledError, OutputError)}
_OF_FILES = {InputError: UnreadableError, WeightsError: UnreadableWeightsError}


def _of(kind: str, detail: str, is_of_the_system: bool, errno: Optional[int]) -> InpaintError:
    """The exception of a kind; `is_of_the_system` where a system call has failed."""
    of_kind = _KINDS[kind]
    error = _OF_FILES.get(of_kind, of_kind)(detail) if is_of_the_system else of_kind(detail)
    if isinstance(error, OSError):
        error.errno = errno
    return error
