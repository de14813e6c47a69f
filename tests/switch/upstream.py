"""A service behind the switch, under a test's control: it answers, differs, lags, fails or hangs as told."""

import http.server
import threading


def once(first, then):
    """A body that is `first` for the next request and `then` for all after it."""
    left = [first]
    return lambda _target: left.pop() if left else then


class Upstream:
    """with Upstream(body=b"[]") as bos: bos.address, bos.body = b"[1]", bos.hang(), bos.resume()

    tls: an ssl.SSLContext of a server.
    """

    def __init__(self, body=b"[]", status=200, headers=None, tls=None):
        self.body = body  # or a function of the request's target
        self.status = status
        self.headers = headers if headers is not None else {"Content-Type": "application/json", "X-Total-Count": "1"}
        self.delay_seconds = 0
        self.asked = []  # the headers of each request
        self.connections = 0
        self.closed = False
        self.going = threading.Event()
        self.going.set()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who hangs up in a handshake is no news
        if tls:
            # The handshake is made where the first byte is read: not in the thread that accepts.
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.server_address[1]}"

    def hang(self):
        self.going.clear()

    def resume(self):
        self.going.set()

    def close(self):
        """Hangs up on whoever still asks."""
        self.closed = True
        self.resume()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _handler(upstream):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                upstream.connections += 1
                super().setup()

            def do_GET(self):
                upstream.asked.append(dict(self.headers))
                upstream.going.wait(60)
                if upstream.closed:
                    self.close_connection = True
                    return
                if upstream.delay_seconds:
                    threading.Event().wait(upstream.delay_seconds)
                body = upstream.body(self.path) if callable(upstream.body) else upstream.body
                head = f"HTTP/1.1 {upstream.status} Said\r\nContent-Length: {len(body)}\r\n"
                head += "".join(f"{name}: {value}\r\n" for name, value in upstream.headers.items())
                try:
                    self.wfile.write(head.encode() + b"\r\n" + body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        return Handler
