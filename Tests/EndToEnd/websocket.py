"""A client of WebSockets (RFC 6455) with every byte in its hands."""

import base64
import hashlib
import json
import os
import socket
import struct

import checkout

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    def __init__(self, port, path="/v1/realtime", tls=None, **fields):
        """`tls` is the `ssl.SSLContext` to use, `fields` are more of the request's, `_` in their names standing for `-`."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=checkout.PATIENCE)
        if tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname="127.0.0.1")
        self._buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n".encode()
            + "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n")
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        self.head = head.decode()
        if not self.head.startswith("HTTP/1.1 101 "):
            raise AssertionError(f"the handshake was refused: {self.head} {self._buffer.decode()}")
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if f"Sec-WebSocket-Accept: {accept.decode()}" not in self.head:
            raise AssertionError(f"the handshake was not understood: {self.head}")

    def _fill(self):
        data = self._socket.recv(65536)
        if not data:
            raise EOFError
        self._buffer += data

    def _take(self, count):
        while len(self._buffer) < count:
            self._fill()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def send_bytes(self, data):
        self._socket.sendall(data)

    def send(self, opcode, payload, is_last=True):
        size = len(payload)
        head = bytes([(0x80 if is_last else 0) | opcode])
        head += (bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack(">H", size)
                 if size < 1 << 16 else bytes([0x80 | 127]) + struct.pack(">Q", size))
        key = os.urandom(4)
        mask = key * (size // 4 + 1)
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(mask[:size], "big")).to_bytes(size, "big")
        self.send_bytes(head + key + masked)

    def tell(self, **message):
        self.send(TEXT, json.dumps(message).encode())

    def receive(self):
        """Opcode and payload of the next frame."""
        first, second = self._take(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._take(8))[0]
        if second & 0x80:
            raise AssertionError("a frame of the server is masked")
        return first & 0x0F, self._take(size)

    def event(self):
        opcode, payload = self.receive()
        if opcode != TEXT:
            raise AssertionError(f"expected an event, came opcode {opcode} with {payload!r}")
        return json.loads(payload)

    def close_code(self):
        """The code that the server ends the conversation with; the connection ends then too."""
        opcode, payload = self.receive()
        while opcode != CLOSE:
            opcode, payload = self.receive()
        try:
            self.send(CLOSE, payload[:2])
            self._fill()
        except (EOFError, OSError):
            pass
        return struct.unpack(">H", payload[:2])[0]

    def vanish(self):
        """As a client whose process is killed."""
        if self._socket.fileno() >= 0:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.close()
