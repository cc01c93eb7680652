"""Factors of the learning rate, as a user has them in a file of their own."""


def warmup(done: int) -> float:
    return min(1.0, (done + 1) / 4)


def decay(done: int) -> float:
    return 0.9 if done % 2 else 0.7
