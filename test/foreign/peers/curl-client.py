"""libcurl's WebSocket, through curl_cffi: curl-client.py URL. Prints what it found as one line of JSON."""

import json
import sys

from curl_cffi import CurlWsFlag
from curl_cffi.requests import WebSocket
from payloads import MESSAGES, SERIES

HEADERS = {"X-Token": "secret", "Sec-WebSocket-Protocol": "chat.v1, chat.v2"}


def opened():
    return WebSocket().connect(sys.argv[1], headers=HEADERS)


def answer(socket, message):
    is_text = isinstance(message, str)
    socket.send(message, CurlWsFlag.TEXT if is_text else CurlWsFlag.BINARY)
    received, flags = socket.recv()
    if bool(flags & CurlWsFlag.TEXT) != is_text:
        raise TypeError("text came back as bytes, or bytes as text")
    return received.decode() if is_text else received


found = {}
socket = opened()
# This binding has no empty messages to send.
found["echoed"] = sum(answer(socket, message) == message for message in MESSAGES if message)
for number in range(SERIES):
    socket.send_str(f"number {number}")
found["inOrder"] = sum(socket.recv_str() == f"number {number}" for number in range(SERIES))
found["who"] = json.loads(answer(socket, "who are you talking to?"))
socket.send_str("close me")
frame, flags = socket.recv()
assert flags & CurlWsFlag.CLOSE, "no close frame"
found["close"] = [int.from_bytes(frame[:2]), frame[2:].decode()]
socket.terminate()

socket = opened()
socket.close(4002, b"bye")
print(json.dumps(found), flush=True)
