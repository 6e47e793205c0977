"""Network: nobody can be reached, not even on the same machine."""

from __future__ import annotations

from .attacks_reading import AGAIN, COMPANION
from .case import Case, Control

_TALK = """
def banner(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as peer:
        peer.settimeout(0.5)
        peer.connect(address)
        if kind == socket.SOCK_DGRAM:
            peer.send(b"hello")
        return leaks(peer.recv(100).decode())
"""
_TCP_OUT = f'{_TALK}\nattempt("TCP", lambda: banner(socket.AF_INET, (T["address"], T["port"])))'
_LOOPBACK = f'{_TALK}\nattempt("TCP", lambda: banner(socket.AF_INET, ("127.0.0.1", T["port"])))'
_UDP = f'{_TALK}\nattempt("UDP", lambda: banner(socket.AF_INET, (T["address"], T["udp_port"]), socket.SOCK_DGRAM))'
_DNS = """
# Names are asked by a datagram to the servers in resolv.conf; whether it leaves is what counts.
def asked(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.connect((address, 53))
        return peer.send(b"\\0" * 12) == 12
attempt("DNS", lambda: asked("198.51.100.53"))
if not T["control"]:
    attempt("getaddrinfo", lambda: socket.getaddrinfo("one.one.one.one", 443))
"""
_METADATA = """
def leaves(address):
    with socket.socket() as peer:
        peer.setblocking(False)
        return peer.connect_ex(address) in (0, errno.EINPROGRESS)
attempt("any address", lambda: leaves(("203.0.113.1", 443)))
if not T["control"]:
    attempt("metadata address", lambda: leaves(("169.254.169.254", 80)))
"""
_PATH = f'{_TALK}\nattempt("path socket", lambda: banner(socket.AF_UNIX, T["path_socket"]))'
_ABSTRACT = f'{_TALK}\nattempt("abstract socket", lambda: banner(socket.AF_UNIX, "\\0" + T["abstract"]))'
_ANOTHER = (
    """
def look():
    for name, family, address in (
        ("port", socket.AF_INET, ("127.0.0.1", T["companion_port"])),
        ("abstract socket", socket.AF_UNIX, "\\0" + T["mark"]),
    ):
        with socket.socket(family) as peer:
            peer.settimeout(0.5)
            attempt(f"another job's {name}", lambda: peer.connect(address) is None and bool(peer.recv(100)))
"""
    + AGAIN
)
_FAMILIES = """
for name, family, kind in (("VSOCK", 40, 1), ("ALG", 38, 5), ("packet", 17, 3), ("netlink", 16, 3), ("raw", 2, 3),
                           ("bluetooth", 31, 3), ("CAN", 29, 3), ("RDS", 21, 5), ("TIPC", 30, 1), ("KCM", 41, 5),
                           ("XDP", 44, 3), ("SMC", 43, 1)):
    def make():
        file = libc.socket(family, kind, 0)
        checked(file)
        os.close(file)
        return True
    attempt(name, make)
"""

CASES = (
    Case("TCP to another address", "network", _TCP_OUT, Control(needs="route")),
    Case("UDP to another address", "network", _UDP, Control(needs="route")),
    Case("DNS", "network", _DNS, Control(needs="route")),
    Case("metadata address", "network", _METADATA, Control(needs="route")),
    Case("the host's loopback", "network", _LOOPBACK, Control()),
    Case("the host's path socket", "network", _PATH, Control()),
    Case("the host's abstract socket", "network", _ABSTRACT, Control()),
    Case("another job's port and abstract socket", "network", _ANOTHER, Control(), companion=COMPANION),
    Case("VSOCK, ALG, packet and other families", "network", _FAMILIES, Control()),
)  # fmt: skip
