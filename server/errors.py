"""Why a request is not answered, apart from mistakes in it: those are `UserError`."""


class ServerError(Exception):
    """The server cannot do what is asked now."""


class Overloaded(ServerError):
    """The queue is full.

    Args:
        retry_after_s: When there will be room, as far as is known.
    """

    def __init__(self, retry_after_s: float, queued_images: int) -> None:
        super().__init__(
            f"the queue is full with {queued_images} images; try again in {retry_after_s:.3f} s, or start the server "
            "with a larger --max-queue."
        )
        self.retry_after_s = retry_after_s


class DeadlineExpired(ServerError):
    """The caller's deadline passed before the request reached inference."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(f"the deadline passed after {waited_s:.3f} s in the queue; nothing was computed.")


class Draining(ServerError):
    """The server is about to stop and takes no more requests."""

    def __init__(self) -> None:
        super().__init__("the server is stopping and takes no new requests; try another replica.")
