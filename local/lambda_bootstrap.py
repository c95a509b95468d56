"""The process that the emulator takes for a Lambda environment: it has one forked off the template, and ends as that ends.

Started by the `bootstrap` of local deployments as `python -IS lambda_bootstrap.py FOLDER SETTINGS`. It imports next to nothing,
because one of it stays beside each environment. The other end of the socket, and of the protocol, is `environments.py`.
"""

import _socket
import os
import sys

SOCKET = "environments.sock"
TEMPLATE_IS_GONE = 70


def request(settings: str) -> bytes:
    """Eight bytes with the length of the rest: handler, settings and each variable, every one ended by a zero byte."""
    fields = [os.environb[b"_HANDLER"], os.fsencode(settings), *(b"%s=%s" % pair for pair in os.environb.items())]
    body = b"".join(field + b"\0" for field in fields)
    return len(body).to_bytes(8, "big") + body


def hand_over(folder: str, settings: str) -> int:
    """Asks for an environment with our variables, standard files and working directory; its wait status once it has ended."""
    message = request(settings)
    cwd = os.open(".", os.O_RDONLY)
    os.chdir(folder)  # since the path of a socket has to be short
    template = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    template.connect(SOCKET)
    files = b"".join(fd.to_bytes(4, sys.byteorder) for fd in (0, 1, 2, cwd))
    sent = template.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
    template.sendall(message[sent:])
    status = template.recv(4)
    return int.from_bytes(status, "big") if len(status) == 4 else TEMPLATE_IS_GONE << 8


def end_like(status: int) -> None:
    """Ends this process with the exit code, or by the signal, that ended the environment."""
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    end_like(hand_over(sys.argv[1], sys.argv[2]))
