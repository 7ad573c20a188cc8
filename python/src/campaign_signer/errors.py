"""Everything that can be wrong with signing, by what a caller can do about it.

Knows exit codes, and nothing of processes or rows.
"""

from __future__ import annotations

#: How much of standard error an exception carries, in bytes.
TAIL_BYTES = 2048


class SignError(Exception):
    """Signing has failed: what was signed until then is not whole.

    Attributes:
        exit_code: how the program ended; negative for a signal, ``None`` if it never
            ran, or if the fault is not in how it ended.
        stderr: the end of what it said, at most 2048 bytes.
        retryable: whether the same call may succeed later. With the same job id,
            timestamp and rows it gives the same bytes.
    """

    retryable = False

    def __init__(self, message: str, exit_code: int | None = None, stderr: str = "") -> None:
        # All three are arguments, so that the exception survives pickling.
        super().__init__(message, exit_code, stderr)
        self.message = message
        self.exit_code = exit_code
        self.stderr = stderr

    def __str__(self) -> str:
        return self.message

    def at(self, place: str) -> SignError:
        """The same error, with the place where it happened before its message."""
        return type(self)(f"{place}: {self.message}", self.exit_code, self.stderr)


class BinaryNotFoundError(SignError):
    """The program that signs is not there, or cannot be run."""


class UsageError(SignError):
    """A setting, a format or a column does not fit (exit code 2)."""


class SigningKeyError(SignError):
    """The key cannot be read, is of another kind, or is not the expected one (exit code 3)."""


class DataError(SignError):
    """A row could not be signed, and ``on_error`` says that this ends it (exit code 4)."""


class InterruptedSigningError(SignError):
    """A signal ended the program in order (exit code 5)."""

    retryable = True


class StreamError(SignError):
    """Reading or writing failed (exit code 6)."""

    retryable = True


class InternalError(SignError):
    """A check inside the program failed (exit code 70): nothing of this is to be used."""


class ProcessDiedError(SignError):
    """The program was killed (by the system for its memory, or by someone)."""

    retryable = True


class StalledError(SignError):
    """The program neither took rows nor gave any for too long, and was killed."""

    retryable = True


class ProtocolError(SignError):
    """What came back is not one line for each row: rows lost, doubled, or cut off."""


_CLASSES: dict[int, type[SignError]] = {
    2: UsageError,
    3: SigningKeyError,
    4: DataError,
    5: InterruptedSigningError,
    6: StreamError,
    70: InternalError,
}


def error_of_exit(exit_code: int, stderr: str) -> SignError:
    """The exception for an exit code that is not 0."""
    said = stderr.strip() or "it said nothing"
    if exit_code < 0:
        return ProcessDiedError(
            f"campaign-signer was ended by signal {-exit_code}: {said}", exit_code, stderr
        )
    kind = _CLASSES.get(exit_code, SignError)
    return kind(f"campaign-signer ended with exit code {exit_code}: {said}", exit_code, stderr)
