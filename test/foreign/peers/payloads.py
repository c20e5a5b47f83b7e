"""What clients send and expect back: the same as ../support/payloads.ts."""

TEXTS = ["", "plain", "Grüße aus dem 🕳️"]
SIZES = [0, 1, 125, 126, 65_535, 65_536, 1_048_576]
SERIES = 1000


def payload(size):
    return bytes(at * 7 % 251 for at in range(size))


MESSAGES = [*TEXTS, *(payload(size) for size in SIZES)]
