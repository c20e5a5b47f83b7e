"""Python's websockets as a client: websockets-client.py URL [--deflate]. Prints what it found as one line of JSON."""

import asyncio
import json
import sys

from payloads import MESSAGES, SERIES
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

url = sys.argv[1]
options = {
    "subprotocols": ["chat.v1", "chat.v2"],
    "additional_headers": {"X-Token": "secret"},
    "compression": "deflate" if "--deflate" in sys.argv else None,
    "max_size": 2**22,
    "proxy": None,
}


async def converse(socket, found):
    for message in MESSAGES:
        await socket.send(message)
        found["echoed"] += await socket.recv() == message
    # Each part is a frame; a list of bytes is one binary message.
    await socket.send([b"one ", b"", b"message"])
    found["fragments"] = (await socket.recv()).decode()
    await (await socket.ping(b"there?"))
    found["pong"] = True
    for number in range(SERIES):
        await socket.send(f"number {number}")
    answers = [await socket.recv() for _ in range(SERIES)]
    found["inOrder"] = sum(answer == f"number {number}" for number, answer in enumerate(answers))
    await socket.send("who are you talking to?")
    found["who"] = json.loads(await socket.recv())
    found["deflate"] = any(extension.name == "permessage-deflate" for extension in socket.protocol.extensions)
    await socket.send("close me")
    try:
        await socket.recv()
    except ConnectionClosed as end:
        found["close"] = [end.rcvd.code, end.rcvd.reason]


async def main():
    found = {"echoed": 0}
    async with connect(url, **options) as socket:
        await converse(socket, found)
    async with connect(url, **options) as socket:
        await socket.close(4002, "bye")
    print(json.dumps(found), flush=True)


asyncio.run(main())
