"""Query encoders beside a counting document encoder: near to it, far from it, and declared."""

import numpy as np
from pipelines import CountingEncoder

WORDS = (
    "key vault moon bread water earth river stone glass paper copper meadow engine violin lantern "
    "harbour castle orchard signal pepper saddle winter garden letter bridge parrot glacier"
).split()


def many(count=80, seed=0):
    """Mappings of documents, each a sentence or two of a few words."""
    draw = np.random.default_rng(seed)
    return [
        {"id": f"d{at}", "text": f"The {' '.join(draw.choice(WORDS, 7))} number {at}."}
        for at in range(count)
    ]


class NoisyEncoder(CountingEncoder):
    """The counting encoder's vectors with something of another direction in them."""

    def __init__(self, noise, fingerprint="noisy"):
        super().__init__(fingerprint)
        self.noise = noise
        self.asked = 0

    def identity(self):
        return {"name": "noisy", "model": f"noise {self.noise}"}

    def encode_query(self, texts):
        self.asked += len(texts)
        made = super().encode_query(texts)
        turned = np.roll(made, 7, axis=1)
        mixed = (1 - self.noise) * made + self.noise * turned
        norms = np.linalg.norm(mixed, axis=1, keepdims=True)
        return (mixed / np.where(norms > 0, norms, 1)).astype(np.float32)
