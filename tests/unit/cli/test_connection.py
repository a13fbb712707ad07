"""What a kernel says is sent to the page at once, over a real websocket.

Left out is the kernel: it is asked nothing. Not here: the server around it (test_start.py).
"""

import asyncio
import socket

import pytest
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect
from traitlets import Instance

from mtls_lab.cli import jupyter


class Connection(jupyter.Connection):
    """The lab's, for a handler that serves no kernel."""

    websocket_handler = Instance(WebSocketHandler)  # type: ignore[assignment]  # of no kernel


class Handler(WebSocketHandler):
    """Tells the page whether small messages to it are held back."""

    async def open(self, *_args: str, **_kwargs: str) -> None:
        Connection(websocket_handler=self).connect()
        assert self.ws_connection is not None
        stream = self.ws_connection.stream
        assert stream is not None
        held_back = not stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await self.write_message("held back" if held_back else "at once")


async def heard() -> str:
    bound, port = bind_unused_port()
    server = HTTPServer(Application([("/", Handler)]))
    server.add_socket(bound)
    page = await websocket_connect(f"ws://127.0.0.1:{port}/")
    told = await page.read_message()
    page.close()
    server.stop()
    await server.close_all_connections()
    return str(told)


def test_no_message_waits_for_the_receipt_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda _: None)
    assert asyncio.run(heard()) == "at once"


def test_the_lab_connects_its_kernels_so() -> None:
    assert jupyter.LabServer().kernel_websocket_connection_class is jupyter.Connection
