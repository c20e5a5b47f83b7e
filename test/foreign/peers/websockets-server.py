"""Python's websockets as a server: it echoes, and closes when told to. websockets-server.py [--deflate]

Prints {"listening": PORT}, and {"left": [CODE, REASON]} when a client closes with a code of its own.
"""

import asyncio
import json
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


def tell(what):
    print(json.dumps(what), flush=True)


async def answer(socket, message):
    if message == "close me":
        await socket.close(4001, "as you wish")
    elif message == b"":
        # In two frames, to be put together.
        await socket.send([b"", b""])
    else:
        await socket.send(message)


async def host(socket):
    try:
        async for message in socket:
            await answer(socket, message)
    except ConnectionClosed as end:
        if end.rcvd_then_sent:
            tell({"left": [end.rcvd.code, end.rcvd.reason]})


async def main():
    compression = "deflate" if "--deflate" in sys.argv else None
    options = {"subprotocols": ["chat.v2"], "compression": compression, "max_size": 2**22}
    async with serve(host, "127.0.0.1", 0, **options) as server:
        tell({"listening": server.sockets[0].getsockname()[1]})
        await server.serve_forever()


asyncio.run(main())
