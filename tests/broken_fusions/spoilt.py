"""What all of them are made of."""

from retrievo.fuse.convex import Convex


class Spoilt(Convex):
    """What goes into a right fusion and what comes out, for a subclass to spoil."""

    def fuse(self, branches, top_k):
        return self.made(super().fuse(self.given(branches, top_k), top_k), top_k)

    def given(self, branches, top_k):
        return branches

    def made(self, fused, top_k):
        return fused
