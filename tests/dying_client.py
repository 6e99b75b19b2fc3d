"""Qdrant clients to which something happens: a kill, or a write of another process, in between."""

_WRITES = {"upsert", "batch_update_points", "update_collection", "create_collection"}


class Killed(BaseException):
    """Not an Exception: what a kill leaves behind is not tidied up by anybody."""


class DyingClient:
    """Hands everything to the real client; before change number `left` + 1 it raises Killed.

    Operations of one batch are changes of their own: a server that stops between two of them, or
    drops the rest with the connection, has done some and not the others.
    """

    def __init__(self, client, left):
        self._client = client
        self.left = left

    def __getattr__(self, name):
        found = getattr(self._client, name)
        if name not in _WRITES:
            return found

        def change(*args, **arguments):
            operations = arguments.pop("update_operations", None)
            if operations is None:
                self._one()
                return found(*args, **arguments)
            done = []
            for operation in operations:
                self._one()
                done += found(*args, update_operations=[operation], **arguments)
            return done

        return change

    def _one(self):
        if self.left <= 0:
            raise Killed
        self.left -= 1


class Replacing:
    """The client with some of its methods replaced, to let something happen in between."""

    def __init__(self, client, **methods):
        self._client = client
        self.__dict__.update(methods)

    def __getattr__(self, name):
        return getattr(self._client, name)


def states_of(client, collection):
    """How many points are in each state."""
    found = client.facet(collection, "state", limit=100)
    return {hit.value: hit.count for hit in found.hits}
